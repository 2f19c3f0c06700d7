#!/usr/bin/perl
# 5-views - a live filter's log: tokens, evidence, policies, counters, as the sqlite3 shell reads them
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(run_command slurp wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);

plan skip_all => 'no sqlite3 shell' if system('sqlite3 -version >/dev/null 2>&1') != 0;
alarm 120;

my $TOKEN = qr/ \[([0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4})\]\z/;
my $LONG = 'x' x 600;
my $filter = live_filter(
    conf => "evidence_headers = From Subject List-Id\nheader_checks = pcre:header\nreject_token = yes\n",
    files => { header => "# spam\n/^Subject: *spam/ REJECT no spam\n/^X-Add:/ PREPEND X-Added: now\n"
            . "/^X-Never:/ REJECT never\n/^X-Long:/ REJECT $LONG\n/^X-Percent:/ REJECT " . ('%' x 480) . "\n" });
my $mta = live_mta($filter);

sub mail {
    my ($id, $head, @rcpts) = @_;
    my @texts;
    $mta->mail(['<a@b.example>', 'SIZE=4711', 'BODY=8BITMIME'], i => $id);
    for my $rcpt (@rcpts) {
        my $reply = $mta->rcpt($rcpt);
        push @texts, $reply->{text} // $reply->{action};
    }
    $mta->data;
    my $reply = $mta->content("$head\n\nbody\n");
    $mta->abort;
    return (@texts, $reply->{text} // $reply->{action});
}

sub rows { return [$filter->sql($_[0])] }

my @one = mail('ONE', "From: a\nTo: c\nsubject: hello\n there\nX-Add: 1", '<bob@example.org>');
is_deeply \@one, ['continue', 'continue'], 'accepted';
my @two = mail('TWO', "From: a\nSubject: spam", '<reject@example.org>', '<bob@example.org>', '<defer@example.org>');
my @tokens = map { /$TOKEN/ ? $1 : '-' } @two;
is $tokens[1], '-', 'what is accepted has no token';
s/$TOKEN/ [TOKEN]/ for @two;
is_deeply \@two, ['554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été [TOKEN]', 'continue',
    '450 4.7.1 <defer@example.org>: Recipient address rejected: later [TOKEN]',
    '550 5.7.1 no spam [TOKEN]'], 'one token a reply';
my %different = map { $_ => 1 } @tokens;
is scalar keys %different, 4, 'all different';
for my $name ('X-Long', 'X-Percent') {
    my ($rcpt, $reply) = mail(uc $name, "$name: 1", '<bob@example.org>');
    like $reply, $TOKEN, "$name: a long text gives way to the token";
    cmp_ok length $reply, '<=', 510, 'in a line that RFC 5321 allows';
}
for my $token (grep { $_ ne '-' } @tokens) {
    like $filter->stderr, qr/\[\Q$token\E\]/, "syslog has $token";
}
my ($status) = $filter->command('reload');
is $status, 0, 'reloaded';
$mta->quit;
is $filter->stop, 0, 'ends';

is_deeply rows("SELECT token, recipient FROM token JOIN decision USING (id) WHERE queue_id = 'TWO'"
    . ' ORDER BY recipient IS NULL, recipient'),
    [{ token => $tokens[0], recipient => 1 }, { token => $tokens[2], recipient => 3 },
     { token => $tokens[3], recipient => undef }], 'the log knows whose they are';
is_deeply rows("SELECT text FROM decision WHERE queue_id = 'TWO'"), [{ text => 'no spam' }],
    'texts are stored without them';
is_deeply rows("SELECT evidence FROM evidence JOIN decision USING (id) WHERE queue_id = 'ONE'"),
    [{ evidence => '{"esmtp":"SIZE=4711 BODY=8BITMIME","headers":[["From"," a"],["subject"," hello\n there"]],"parts_whole":true}' }],
    'evidence: what the setting names';
is_deeply rows("SELECT size, hash IS NOT NULL AS known FROM decision JOIN policy USING (policy) WHERE queue_id = 'ONE' LIMIT 1"),
    [{ size => 4711, known => 1 }], 'size and policy';
is_deeply rows("SELECT op, field, value, line FROM header_edit"),
    [{ op => 'prepend', field => 'X-Added', value => 'now', line => 3 }], 'a change';
like rows('SELECT group_concat(loaded_by) AS who, count(DISTINCT policy) AS n FROM policy')->[0]{who},
    qr/^start,reload by \S+ [(]uid $>[)]\z/, 'who loaded the policy';
is rows('SELECT count(DISTINCT policy) AS n FROM policy')->[0]{n}, 1, 'the same one twice';
is_deeply [map { $_->{text} } grep { $_->{path} =~ m{/header\z} } @{ rows('SELECT path, text FROM policy_file') }],
    [slurp($filter->dir . '/header')], 'its files, as they were';
is_deeply [map { $_->{line} } grep { $_->{file} =~ m{/header\z} } @{ rows('SELECT file, line FROM dead_rules') }],
    [4], 'the one rule of header_checks that never fired';
is_deeply rows("SELECT substr(rule_text, 1, 16) AS rule, result, sum(n) AS n FROM rule_hits WHERE file LIKE '%/rcpt' GROUP BY 1, 2 ORDER BY 1"),
    [{ rule => 'defer@example.or', result => 'defer', n => 1 }, { rule => 'reject@example.o', result => 'reject', n => 1 }],
    'rules of the table that fired';
is_deeply rows('SELECT action, stage, code, sum(messages) AS m, sum(recipients) AS r FROM volume GROUP BY 1, 2, 3'),
    [{ action => 'accept', stage => 'END-OF-MESSAGE', code => undef, m => 1, r => 1 },
     { action => 'reject', stage => 'HEADER', code => 550, m => 3, r => 5 }], 'volume';
is_deeply rows("SELECT kind, what, sum(n) AS n FROM top_rejects GROUP BY 1, 2"),
    [{ kind => 'client_net', what => '192.0.2.0/24', n => 3 }, { kind => 'sender_domain', what => 'b.example', n => 3 }],
    'who was refused';
is_deeply rows("SELECT DISTINCT client_ptr, local, smtputf8 FROM connection"),
    [{ client_ptr => 'mail.example', local => 0, smtputf8 => 0 }], 'connections';

subtest 'without settings' => sub {
    my $plain = live_filter();
    my $to = live_mta($plain);
    my ($reply, @texts) = play($to, '<reject@example.org>');
    is $texts[0], '554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été', 'no token';
    play($to, '<bob@example.org>');
    $to->quit;
    is $plain->stop, 0, 'ends';
    is_deeply [$plain->sql('SELECT count(*) AS n FROM evidence')], [{ n => 0 }], 'no headers are asked for, no evidence';
};

done_testing;
