#!/usr/bin/perl
# 6-output - what strangers say, in every output: no terminal escape, no markup, no formula, JSON that parses
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Encode ();
use JSON::PP;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp spew temp_dir wait_until);
use Tamis::Live qw(status_of);
use Tamis::Mta;

alarm 180;

# Escapes of seven and eight bits, in UTF-8 and not, ends of lines, markup, formulas, quotes for every
# language, bytes that are no UTF-8, one that JSON cannot do without a backslash.
my @hostile = ("\e]0;owned\a\e[2J\e[31m", "\x9b31m", "\xc2\x9b31m", "<script>alert(1)</script>", "\"><img src=x onerror=y>",
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "\@SUM(A1)", "'; DROP TABLE mail; --", "\") OR 1=1 --", "\\\"\\u0000\\", "%s%n%s%n",
    "\xff\xfe\xc0\x80", "\xed\xa0\x80", "\t\b\x7f\x01", "a,b;c|d", "\xe2\x80\xa8\xe2\x80\xa9");

my $dir = temp_dir();
my $filter = Tamis::Filter->new(set => { log_message_id => 'yes', evidence_headers => 'From, Subject', reject_token => 'yes',
        log_mta_rejects => 'yes', reload_on_change => 'no' },
    conf => <<'END', files => { sender => "/^(bad.*)\$/ REJECT \$1 is not welcome\n", header => "/^(Subject: .*)/ WARN seen \$1\n/^X-Bad: (.*)/ REJECT \$1\n/^X-Put: (.*)/ PREPEND X-New: \$1\n" });
mode = enforce
mynetworks = 127.0.0.0/8
helo_restrictions = warn_if_reject reject_invalid_helo_hostname
sender_restrictions = check_sender_access pcre:sender
recipient_restrictions = check_recipient_access pcre:sender
header_checks = pcre:header
END
$filter->start;

my $count = 0;
for my $text (@hostile) {
    for my $way (0 .. 3) {
        my $mta = Tamis::Mta->connect($filter->milter);
        my $word = $text =~ s/[\0\r\n]//gr;
        $mta->connect_info($way == 1 ? $word : 'mail.example', 4, 40000, '192.0.2.7', '{client_name}' => $word,
            '{client_ptr}' => $word, '{daemon_name}' => $word, '{cert_subject}' => $word);
        $mta->helo($word);
        $mta->mail([$way == 0 ? "<bad$word\@x.example>" : "<$word\@$word>"], '{auth_authen}' => $way ? $word : undef);
        my $reply = $mta->rcpt($way == 2 ? "<bad$word\@here.example>" : "<$word\@here.example>");
        $mta->rcpt("<b\@here.example>") if $way == 2;
        if ($reply->{action} eq 'continue' || $way == 2) {
            $mta->data(i => "4Q$word");
            $mta->content("From: $word <a\@x.example>\nSubject: $word\nMessage-ID: <$word\@x>\nX-Put: $word\n" . ($way == 3 ? "X-Bad: $word\n" : '') . "\nbody\n");
        }
        $mta->abort;
        $mta->quit;
        $count++;
    }
}
ok wait_until(60, sub { status_of($filter)->{log}{written} >= $count }), 'logged';
my @rows = $filter->sql('SELECT id FROM decision');
is scalar @rows, $count, 'each of them once, and no table is gone';

# Nothing that a terminal obeys, and UTF-8.
sub is_plain {
    my ($out, $name) = @_;
    my $copy = $out;
    my $text = eval { Encode::decode('UTF-8', $copy, Encode::FB_CROAK) };
    return fail("$name: not UTF-8") if !defined $text;
    my ($bad) = $text =~ /(.{0,20}[\x00-\x09\x0b-\x1f\x7f-\x9f].{0,20})/;
    return ok(!defined $bad, $name) || diag explain $bad;
}

# Keys are written one way; a key twice would be another's loss.
sub check_keys {
    my ($value) = @_;
    return map { check_keys($_) } @$value if ref $value eq 'ARRAY';
    return () if ref $value ne 'HASH';
    return ((grep { !/^[a-z][a-z0-9_]*\z/ } keys %$value), map { check_keys($_) } values %$value);
}

sub is_json {
    my ($out, $name) = @_;
    my $value = eval { JSON::PP->new->utf8->decode($out) };
    ok defined $value, "$name: JSON" or diag $@, substr $out, 0, 300;
    is_plain($out =~ s/\\[u"\\\/bfnrt]//gr, "$name: plain");
    return $value;
}

sub run {
    my ($name, @args) = @_;
    my ($status, $out, $err) = run_command([Tamis::Filter::tamis(), @args]);
    is_plain($err, "$name: standard error") if length $err;
    return ($out, $status, $err);
}

my @conf = $filter->arguments;
is_plain((run('log', 'log', @conf, '-n', 1000))[0], 'log');
my ($lines) = run('log --json', 'log', @conf, '-n', 1000, '--json');
my @logged = split /\n/, $lines;
is scalar @logged, $count, 'log --json: a line a mail';
my @bad = grep { !eval { JSON::PP->new->utf8->decode($_) } } @logged;
is_deeply \@bad, [], 'log --json: each parses';
is_plain($lines, 'log --json: plain');
is_deeply [sort keys %{ JSON::PP->new->utf8->decode($logged[0]) }], [sort split ' ', <<'END'], 'log --json: the keys are the columns of the view';
id time queue_id message_id direction client_name client_addr helo login sender recipients stage action enforced
code dsn text file line rule_text ms held redirected
END
is scalar(grep { /<script>alert\(1\)<\/script>/ } @logged), 4, 'and say what was said';
for my $text (@hostile) {
    my $found = (run('log --from', 'log', @conf, '-n', 1000, '--from', $text, '--rcpt', $text, '--client', $text))[1];
    is $found, 0, 'log --from --rcpt --client: a pattern and no SQL';
    run('explain', 'explain', @conf, $_, $text) for '--from', '--rcpt', '--client', '--message-id';
}
my (undef, undef, $missing) = run('explain', 'explain', @conf, "o'x'; echo '");
is +(run_command(['sh', '-c', 'printf %s ' . ($missing =~ /grep -F (.*) \/var\/log\/mail\.log$/)[0]]))[1], "o'x'; echo '",
    'explain: nothing found: a command for the shell, and one word of it';
for my $row (@rows) {
    my $id = ref $row eq 'HASH' ? $row->{id} : ref $row ? $row->[0] : $row;
    my ($out, $status) = run("explain $id", 'explain', @conf, '--all', $id);
    is $status, 0, "explain $id";
    is_plain($out, "explain $id: plain");
    is_deeply [grep { !/\bgrep (?:\w+|'[^']*') \/var\/log\/mail\.log$/ } $out =~ /^.*\bgrep .*$/mg], [], "explain $id: a command and nothing else";
    is_plain((run("explain --as-test $id", 'explain', @conf, '--as-test', $id))[0], "explain $id: as a test");
    my $json = is_json((run("explain --json $id", 'explain', @conf, '--json', $id))[0], "explain $id");
    is_deeply [check_keys($json)], [], "explain $id: keys";
}

my ($list) = run('report', 'report');
for my $name ($list =~ /^(\S+) /mg) {
    is_plain((run("report $name", 'report', @conf, '--since', '1d', $name))[0], "report $name");
    my $json = is_json((run("report $name", 'report', @conf, '--json', '--since', '1d', $name))[0], "report $name");
    is_deeply [check_keys($json)], [], "report $name: keys";
    my ($html) = run("report $name", 'report', @conf, '--html', '-', '--since', '1d', $name);
    is_plain($html, "report $name: HTML");
    is_deeply [grep { !/^<\/?(?:!DOCTYPE html|html(?: lang="en")?|head|meta charset="utf-8"|title|style|body|h1|p|table|tr|th|td(?: class="n")?|div class="bar" style="width:[0-9.]+em"|div)>\z/ }
        $html =~ /(<[^>]*>?)/g], [], "report $name: no markup but its own";
    my ($csv) = run("report $name", 'report', @conf, '--csv', '--since', '1d', $name);
    is_plain($csv, "report $name: CSV");
    my @cells = $csv =~ /(?:^|,)((?:"(?:[^"]|"")*"|[^",\n]*))(?=,|$)/mg;
    is_deeply [grep { /^"?[=+\@\t\r-]/ && !/^-[0-9.]+\z/ && !/^-\z/ } @cells], [], "report $name: no formula";
}

is_plain((run('status', 'status', @conf))[0], 'status');
is_deeply [grep { !/^.*[.:@ ].*\z/ } check_keys(is_json((run('status', 'status', @conf, '--json'))[0], 'status'))], [], 'status: keys';

# Rules with the same in them, and a mail.
my $word = join ' ', map { s/[\0\r\n{}]//gr } @hostile;
my $conf = spew("$dir/milter.conf", "postfix_config_directory =\nmynetworks = 127.0.0.1\nmyhostname = a.example\nheader_checks = pcre:headers\n"
    . "sender_restrictions = check_sender_access inline:{ {x\@x.example = REJECT $word} }\n");
spew("$dir/headers", "/^Subject: (.*)/ PREPEND X-Seen: \$1\n/^Bad: (.*)/ REJECT \$1\n");
is_deeply [check_keys(is_json((run('conf', 'conf', '-j', '-c', $conf))[0], 'conf -j'))], [], 'conf -j: keys';
for my $text (@hostile) {
    for my $bad ('', "Bad: $text\n") {
        my $mail = spew("$dir/mail.eml", "From: $text <a\@x.example>\nSubject: $text\nX$text: y\n$bad\nbody $text\n");
        my $json = is_json((run('test', 'test', '-c', $conf, '--json', '--from', $text, '--helo', $text, '--client', "$text\[192.0.2.1]", '--auth', $text,
            '--rcpt', "b\@x.example", $mail))[0], 'test --json');
        is_deeply [check_keys($json)], [], 'test --json: keys';
        # The diff is in the bytes of the mail.
        unlike((run('test', 'test', '-c', $conf, '--from', $text, '--helo', $text, '--rcpt', 'b@x.example', $mail))[0],
            qr/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/, 'test: no control character');
    }
}
my ($replay) = run('replay', 'replay', '-c', $conf, '--file', $filter->log_file, '--since', '1d', '--json');
is_deeply [check_keys(is_json($replay, 'replay'))], [], 'replay: keys';
is_plain((run('replay', 'replay', '-c', $conf, '--file', $filter->log_file, '--since', '1d'))[0], 'replay');
is $filter->stop, 0, 'ends';
is_plain($filter->stderr, 'what it logged');

done_testing;
