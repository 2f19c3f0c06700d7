#!/usr/bin/perl
# 5-replay - logged mail judged by other rules: what changes, what cannot be known, exit codes
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use JSON::PP;
use Tamis::Filter;
use Tamis::Guard qw(run_command);
use Tamis::Mta;

alarm 300;

my $RULES = <<'END';
mode = enforce
mynetworks = 127.0.0.0/8
client_restrictions = check_client_access inline:{ {192.0.2.66 = REJECT away} }
sender_restrictions = check_sender_access texthash:senders
recipient_restrictions = check_recipient_access inline:{ {b@here.example = 450 busy} }
END
my $filter = Tamis::Filter->new(conf => $RULES, files => { senders => "bad\@x.example REJECT no\n" })->start;

sub play {
    my ($client, $login, $from, @to) = @_;
    my $mta = Tamis::Mta->connect($filter->milter);
    my @auth = length $login ? ('{auth_authen}' => $login, '{auth_type}' => 'PLAIN') : ();

    $mta->connect_info('mail.x.example', 4, 40000, $client, '{client_name}' => 'mail.x.example',
        '{client_ptr}' => 'mail.x.example', '{client_resolve}' => 'OK', '{daemon_port}' => '25');
    $mta->helo('mail.x.example');
    $mta->mail(["<$from>"], @auth);
    my $passed = grep { $mta->rcpt(["<$_>"])->{action} eq 'continue' } @to;
    if ($passed) {
        $mta->data(i => "4Q$from" =~ s/[^A-Za-z0-9]//gr);
        $mta->content("Subject: x\nFrom: $from\n\ntext\n");
    }
    $mta->abort;
    $mta->raw(Tamis::Mta::packet('Q'));
    $mta->close;
}

play('192.0.2.1', '', 'one@x.example', 'a@here.example');
play('192.0.2.1', '', 'bad@x.example', 'a@here.example');
play('192.0.2.7', 'joe', 'joe@here.example', 'Friend@y.example');
play('192.0.2.1', '', 'friend@y.example', 'a@here.example');
play('192.0.2.1', '', 'two@x.example', 'b@here.example', 'c@here.example');
play('192.0.2.66', '', 'six@x.example', 'a@here.example');
play('192.0.2.1', '', '', 'a@here.example');
is scalar $filter->wait_sql(7, 'SELECT id FROM decision'), 7, 'seven messages';

# The rules with each `from` replaced by its `to`, in a configuration beside the first.
sub candidate {
    my (@edits) = @_;
    my $text = $RULES;
    while (my ($from, $to) = splice @edits, 0, 2) { $text =~ s/\Q$from\E/$to/ or die $from }
    return $filter->file('new.conf', $text);
}

sub replay {
    my ($conf, @args) = @_;
    return run_command([$filter->{program}, 'replay', '-c', $conf, '-o', 'postfix_config_directory=',
        '-o', 'log_file=' . $filter->log_file, '--since', '1d', @args]);
}

sub json {
    my ($status, $out, $err) = replay(@_, '--json');
    my $r = eval { JSON::PP->new->decode($out) } || diag "$out$err";
    is $r->{status}, $status, 'the status is told, too';
    return ($status, $r);
}

sub counts { join ' ', @{ $_[0] }{qw(messages recipients same changed unknown correspondents)} }

sub changes {
    return [map { join '|', @$_{qw(was now recipients correspondents)}, $_->{as_far_as_seen} ? 'seen' : '',
        $_->{rule}{file} =~ s{.*/}{}r . ":$_->{rule}{line}", $_->{rule}{text} } @{ $_[0]{changes} }];
}

# The same rules
my ($status, $r) = json(candidate());
is $status, 0, 'the same rules: 0';
is counts($r), '7 8 8 0 0 0', 'all the same';
is_deeply $r->{changes}, [], 'no changes';
($status, my $out) = replay(candidate());
like $out, qr/^8 recipients\n  same              8  100\.00 %\n  changed           0    0\.00 %\n  unknown           0    0\.00 %\n/m,
    'as text';

# One rule more
($status, $r) = json(candidate('inline:{ {b@here', 'inline:{ {c@here.example = REJECT closed}, {b@here'));
is $status, 1, 'something changes: 1';
is counts($r), '7 8 7 1 0 0', 'one recipient';
is_deeply changes($r), ['accept|reject|1|0||new.conf:5|c@here.example=REJECT closed'], 'by that rule';
is $r->{look_at}[0]{queue_id}, '4Qtwoxexample', 'its queue id';
is $r->{look_at}[0]{now_reply}, '554 5.7.1 <c@here.example>: Recipient address rejected: closed', 'its reply';

# One rule less: what was refused at RCPT is taken, as far as is seen.
($status, $r) = json(candidate('{192.0.2.66 = REJECT away}', '{192.0.2.67 = REJECT away}'));
is $status, 1, 'one rule less: 1';
is_deeply changes($r), ['reject|accept|1|0|seen|milter.conf:3|192.0.2.66=REJECT away'],
    'the rule that refused, and what is seen';
($status, $out) = replay(candidate('{192.0.2.66 = REJECT away}', '{192.0.2.67 = REJECT away}'));
like $out, qr/^ +1  reject -> accept as far as seen: \S+milter\.conf:3: 192\.0\.2\.66=REJECT away$/m, 'as text';
my ($id) = $out =~ /^look at these first.*\n  \S+ \S+ (\d+) <six\@x\.example> /m;
is((run_command([$filter->{program}, 'explain', '--file', $filter->log_file, $id // 'none']))[0], 0,
    'what had no queue id has a number, by which it is found');

# Another reply
($status, $r) = json(candidate('450 busy', '451 4.7.9 very busy'));
is $status, 1, 'another reply: 1';
is_deeply changes($r), ['tempfail|tempfail|1|0||new.conf:5|b@here.example=451 4.7.9 very busy'], 'is told';

# Correspondents, in any case
($status, $r) = json(candidate('inline:{ {192.0.2.66', 'inline:{ {192.0.2.1 = REJECT all}, {192.0.2.66'));
is $status, 3, 'mail from a correspondent would change: 3';
is counts($r), '7 8 2 6 0 1', 'six of eight';
is_deeply changes($r)->[0], 'accept|reject|4|1||new.conf:3|192.0.2.1=REJECT all', 'by one rule';
is $r->{look_at}[0]{sender}, 'friend@y.example', 'the correspondent first';
($status, $out) = replay(candidate('inline:{ {192.0.2.66', 'inline:{ {192.0.2.1 = REJECT all}, {192.0.2.66'));
like $out, qr/^of what changes, 1 from correspondents that your users write to$/m, 'as text';

# What nobody asked then
my @rbl = ('inline:{ {192.0.2.66 = REJECT away} }',
    'inline:{ {192.0.2.66 = REJECT away} }, reject_rbl_client zen.example');
($status, $r) = json(candidate(@rbl));
is $status, 2, 'unknown: 2';
is counts($r), '7 8 1 0 7 0', 'but for the one who is refused before';
is_deeply $r->{unknown_reasons}, [{ missing => 'rbl zen.example', parameter => '--ask-now', recipients => 7 }],
    'the question and the remedy';
is((replay(candidate(@rbl), '--max-unknown', '100%'))[0], 0, 'as much as one likes');
is((replay(candidate(@rbl), '--max-unknown', '87'))[0], 2, 'less than there is');
my $zone = $filter->file('zone', "7.2.0.192.zen.example. IN A 127.0.0.2\n");
($status, $r) = json(candidate(@rbl), '--ask-now', '--zone', $zone);
is $status, 1, 'asked today: 1';
is counts($r), '7 8 7 1 0 0', 'one is listed';
is $r->{asked_now}, 7, 'and it is told how many were asked';
is $r->{look_at}[0]{asked_now}, JSON::PP::true, 'for each of them';
is $r->{look_at}[0]{now_reply},
    '554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example', 'the answer of today';
($status, $r) = json(candidate(@rbl, 'sender_restrictions = ', 'sender_restrictions = reject, '));
is counts($r), '7 8 1 0 7 0', 'unknown, whatever comes later';

# A rule about a field that nobody recorded
($status, $r) = json(candidate('mode = enforce', "mode = enforce\nheader_checks = regexp:{ {/^Subject: pills/ REJECT} }"
    =~ s/regexp:.*/'regexp:' . $filter->file('heads', "\/^Subject: pills\/ REJECT\n")/er));
is $status, 2, 'a header rule: 2';
is_deeply $r->{unknown_reasons},
    [{ missing => 'header Subject', parameter => 'evidence_headers (add Subject)', recipients => 5 }],
    'of the mails whose content came';
($status, $r) = json(candidate('mode = enforce', 'mode = enforce
header_checks = regexp:' . $filter->file('heads', "/^Subject: pills/ WARN\n")));
is $status, 0, 'a header rule that decides nothing';
($status, $r) = json(candidate('mode = enforce', 'mode = enforce
body_checks = regexp:' . $filter->file('bodies', "/pills/ REJECT\n")));
is_deeply $r->{unknown_reasons}, [{ missing => 'body', parameter => undef, recipients => 5 }], 'a body rule';

# Signatures that nobody verified
($status, $r) = json(candidate('mode = enforce', 'mode = enforce
end_of_data_restrictions = check_dkim_access inline:{ {x.example = REJECT} }'));
is_deeply $r->{unknown_reasons},
    [{ missing => 'dkim', parameter => 'authentication_results = dkim', recipients => 4 }], 'DKIM: of incoming mail';

# Options
($status, $r) = json(candidate(), '--limit', '2');
is counts($r), '2 2 2 0 0 0', '--limit';
($status, $r) = json(candidate(), '--until', '2020-01-02');
is counts($r), '0 0 0 0 0 0', '--until';
is((replay(candidate(), '--since', 'yesterday'))[0], 64, 'no time');
is((replay(candidate(), '--max-unknown', 'few'))[0], 64, 'no percentage');
is((replay(candidate(), 'more'))[0], 64, 'too many arguments');
is((replay(candidate('mode = enforce', 'mode = never')))[0], 78, 'no usable configuration');
is((replay(candidate(), '--file', '/nonexistent/log.db'))[0], 66, 'no log');

is $filter->stop, 0, 'ends';
done_testing;
