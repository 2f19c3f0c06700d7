#!/usr/bin/perl
# 5-explain - tamis explain: finding a message in the log, what is told of it, and how it ends
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Tamis::Session;
use Test::More;
use Time::Local 'timegm';

alarm 120;
grep { -x "$_/sqlite3" } split /:/, $ENV{PATH} or plan skip_all => 'no sqlite3';

my $dir = workdir();
my $log = "$dir/log.db";

# The id of what ended then.
sub id {
    my ($time, $sequence) = @_;
    my ($y, $mo, $d, $h, $mi, $s) = $time =~ /(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)/;
    return ((timegm($s, $mi, $h, $d, $mo - 1, $y) - 1577836800) * 1000 << 22) + ($sequence // 0);
}

sub ms { return (id($_[0]) >> 22) + 1577836800000 }

sub sqlite {
    my ($input) = @_;
    open my $out, '|-', 'sqlite3', '-bail', $log or die "sqlite3: $!";
    print $out $input;
    close $out or die "sqlite3 failed";
}

sub slurp { open my $in, '<', $_[0] or die "$_[0]: $!"; local $/; return scalar <$in> }

# Standard output, or what went wrong, without the work directory's name; status.
sub explained {
    my (@args) = @_;
    my ($out, $err, $status) = run_tamis('', 'explain', '-c', "$dir/milter.conf", '--file', $log, @args);
    s/\Q$dir\E\///g for $out, $err;
    return ($status == 0 ? $out : $err, $status);
}

my $conf = <<'END';
postfix_config_directory =
mydestination = here.example
client_restrictions = check_client_access texthash:client
sender_restrictions = check_sender_access texthash:sender, reject_non_fqdn_sender
mynetworks = 127.0.0.1
END
my $client = "198.51.100.9 REJECT bad host\n";
my $sender = "# by domain\nbad.example REJECT go away\n";
write_file('milter.conf', $conf);
write_file('client', $client);
write_file('sender', $sender);

my ($first, $second, $third, $fourth, $fifth) = map { id($_) } '2026-11-20 09:00:00',
    '2026-11-21 10:00:00', '2026-11-22 08:15:00', '2026-11-22 08:16:00', '2026-11-22 08:17:00';
my ($loaded, $again) = (ms('2026-11-20 08:00:00'), ms('2026-11-22 09:00:00'));
(my $texts = join ' UNION ALL ', map { "SELECT '$_->[0]', '$_->[1]'" } ["$dir/milter.conf", $conf],
    ["$dir/client", $client], ["$dir/sender", $sender]) =~ s/\n/' || char(10) || '/g;

sqlite(slurp(($ENV{srcdir} // '.') . '/sql/schema.sql') . <<"END");
INSERT INTO generation VALUES (1, 0);
INSERT INTO address VALUES (1, 1, 'Friend\@bad.example'), (2, 1, 'user\@here.example'),
    (3, 1, 'other\@here.example'), (4, 1, '');
INSERT INTO name VALUES (1, 1, 'mail.bad.example');
INSERT INTO client VALUES (1, 1, '192.0.2.7', 'mail.bad.example'), (2, 1, '192.0.2.8', 'unknown');
INSERT INTO circumstance (id, used, local, smtputf8) VALUES (1, 1, 0, 0);
INSERT INTO rule VALUES (1, 1, '$dir/sender', 2, 'bad.example REJECT go away'),
    (2, 1, '$dir/milter.conf', 3, NULL);
INSERT INTO verdict VALUES
    (1, 1, 'accept', 'END-OF-MESSAGE', 1, NULL, NULL, NULL, NULL),
    (2, 1, 'reject', 'RCPT', 1, 554, '5.7.1', '<' || char(5) || '>: Sender address rejected: go away', 1),
    (3, 1, 'reject', 'RCPT', 1, NULL, '5.1.1', '550 5.1.1 <' || char(6) || '>: unknown user', NULL),
    (4, 1, 'aborted', 'RCPT', 1, NULL, NULL, NULL, NULL);
INSERT INTO step VALUES
    (1, 1, 'check_client_access texthash:client', 'table texthash:$dir/client ' || char(1), 'not found', 'dunno', 2),
    (2, 1, 'check_sender_access texthash:sender', 'table texthash:$dir/sender ' || char(7), 'REJECT go away', 'reject', 1);
INSERT INTO asked VALUES (1, 1, 'dns MX ' || char(7), 'found', '10 mail.bad.example.'),
    (2, 1, 'dns A mail.bad.example', 'temperror', 'timeout');
INSERT INTO ruleset VALUES (1, 'h1', '1.0');
INSERT INTO ruleset_load VALUES (1, 1, $loaded, 'start'), (2, 1, $again, 'reload by root (uid 0)');
INSERT INTO ruleset_text (hash, size, text) SELECT path, length(text), text FROM
    (SELECT 'x' AS path, 'y' AS text WHERE 0 UNION ALL $texts);
INSERT INTO ruleset_file SELECT 1, id, hash, id FROM ruleset_text;
INSERT INTO ruleset_rule VALUES (1, '$dir/sender', 2, 'bad.example REJECT go away', $loaded);
INSERT INTO mail (id, direction, client, helo, sender, verdict, us, held, queue_id, message_id, policy, circumstance) VALUES
    ($first, 0, 1, 1, 2, 1, 5000, 0, '4Qaaaa', '<one\@here.example>', 1, 1),
    ($second, 0, 1, 1, 1, 1, 5000, 0, '4Qbbbb', '<two\@bad.example>', 1, 1),
    ($third, 0, 1, 1, 1, 2, 12345, 0, NULL, NULL, 1, 1),
    ($fourth, 0, 2, NULL, 4, 3, 900, 0, NULL, NULL, 1, 1),
    ($fifth, 0, 2, NULL, 4, 4, 900, 0, NULL, NULL, 1, 1);
INSERT INTO mail_recipient VALUES ($first, 1, 1, 1), ($second, 1, 2, 1), ($third, 1, 2, 2),
    ($third, 2, 3, 2), ($fourth, 1, 3, 3), ($fifth, 1, 3, 4);
INSERT INTO mail_check VALUES ($third, '[[1,1,12],[1,2,3400],[2,1,11],[2,2,1200000]]');
INSERT INTO mail_question VALUES ($third, '[[1,2500],[2,5000000]]', NULL);
INSERT INTO mail_token VALUES ($third, 2, 'K7Q4-9MZ2');
END


# --- finding

my ($text, $status) = explained('k7q4-9mz2');
is($status, 0, 'found by its token, in any case');
is($text, <<"END", 'the recipient of the token: what was told, and what would help');
verdict    rejected at RCPT, 2026-11-22 08:15:00 UTC, incoming
which      id $third, queue id NOQUEUE, token K7Q4-9MZ2
client     mail.bad.example[192.0.2.7], HELO mail.bad.example
from       <Friend\@bad.example>
to         <other\@here.example>: rejected by sender:2
           and 1 more: --all, or --rcpt ADDRESS
told       554 5.7.1 <Friend\@bad.example>: Sender address rejected: go away [K7Q4-9MZ2]
rule       sender:2  bad.example REJECT go away
           in force since 2026-11-20 08:00:00, still so; policy 1, loaded 2026-11-20 08:00:00 by start
steps        3 check_client_access texthash:client: mail.bad.example -> not found: dunno (milter.conf:3, 11 us)
           > 4 check_sender_access texthash:sender: bad.example -> REJECT go away: reject (sender:2, 1.2 s)
not needed dns MX bad.example -> 10 mail.bad.example. (found, 2.5 ms)
           dns A mail.bad.example -> timeout (temperror, 5.0 s)
without    sender:2: accepted, as far as the log has seen it
now        under milter.conf: the same
history    no other mail between these two in the log
next time  to allow it: sender, as its first line:
               friend\@bad.example OK
           (tried on this mail: accepted, as far as the log has seen it)
END

($text, $status) = explained('--from', 'FRIEND@bad.example', '--last');
is($status, 0, 'found by its sender, however it is spelled');
like($text, qr/^which +id $third,/m, '--last: the newest');
like($text, qr/^to +<user\@here\.example>: rejected/m, 'the first that was refused');
like($text, qr/^history +<Friend\@bad\.example> to <user\@here\.example>: 1 accepted, 0 refused, last 2026-11-21 10:00:00\n +<user\@here\.example> to <Friend\@bad\.example>: 1 accepted, 0 refused, last 2026-11-20 09:00:00$/m,
    'history, both ways');

($text, $status) = explained('--rcpt', '<user@here.example>');
is($text, <<"END", 'several fit: a choice');
2 transactions fit, the newest first; name one by its id, or add --last:
$third 2026-11-22 08:15:00 NOQUEUE reject mail.bad.example[192.0.2.7] <Friend\@bad.example> -> user\@here.example,other\@here.example
$second 2026-11-21 10:00:00 4Qbbbb accept mail.bad.example[192.0.2.7] <Friend\@bad.example> -> user\@here.example
END
is($status, 0, 'which is an answer, too');

for ([[$third], $third, 'id'], [['4Qbbbb'], $second, 'queue id'], [['<two@bad.example>'], $second, 'Message-ID'],
    [['two@bad.example'], $second, 'Message-ID without brackets'],
    [['--message-id', 'one@here.example'], $first, '--message-id'],
    [['--rcpt', '@here.example', '--from', 'bad.example', '--time', '2026-11-21'], $second, 'domains, a day'],
    [['--client', '192.0.2.8', '--time', '2026-11-22 08:16'], $fourth, 'client, a minute'],
    [['--client', 'MAIL.bad.example', '--time', '2026-11-20T09:00:00'], $first, 'client by name, a second'],
    [['--last'], $fifth, 'nothing but --last'],
    [['friend@bad.example', '--time', '2026-11-22'], $third, 'an address']) {
    my ($out, $code) = explained(@{ $_->[0] });
    like($out, qr/^which +id $_->[1],/m, "found by $_->[2]") or diag $out;
}

# --- how it ends

($text, $status) = explained('nosuch');
is($status, 1, 'not found');
is($text, "tamis explain: no such mail in log.db, which goes back to 2026-11-20 09:00:00 UTC; the mail "
    . "server may have refused it before tamis saw it: grep -F 'nosuch' /var/log/mail.log\n", 'and where to look');
is((explained())[1], 64, 'no message named');
is((explained('a', 'b'))[1], 64, 'two messages named');
is((explained('--last', '--time', 'yesterday'))[1], 64, 'no time');
is((run_tamis('', 'explain', '--file', "$dir/none.db", '--last'))[2], 66, 'no log');

# --- who refused it

is((explained($fourth))[0], <<"END", 'refused by the mail server');
verdict    rejected at RCPT, 2026-11-22 08:16:00 UTC, incoming
           rejected by the MTA, not by tamis
which      id $fourth, queue id NOQUEUE
client     unknown[192.0.2.8]
from       <>
to         <other\@here.example>: rejected
told       550 5.1.1 <other\@here.example>: unknown user
steps      none: no list had a rule, or the details were dropped
history    <> to <other\@here.example>: 0 accepted, 0 refused, last 2026-11-22 08:17:00
next time  no rule of tamis decided; what to change stands in the mail server's configuration
elsewhere  the mail server's reason: grep 'NOQUEUE: .*to=<other\@here.example>' /var/log/mail.log
END
like((explained($fifth))[0], qr/^elsewhere +tamis refused nothing; if the mail server did, its log tells: grep 'NOQUEUE: \.\*to=<other\@here\.example>'/m,
    'refused by nobody that we know of');
like((explained($first))[0], qr/^next time +to refuse it: sender, as its first line:\n +user\@here\.example REJECT$/m,
    'accepted: how to refuse it');

# --- other shapes

my $json = decode_json((explained('K7Q4-9MZ2', '--json'))[0]);
is($json->{decision}{sender}, 'Friend@bad.example', '--json: the decision');
is($json->{recipient}, 2, 'the recipient in focus');
is($json->{step}, 4, 'the step that decided');
is_deeply([map { $_->{result} } @{ $json->{steps} }], [qw(dunno reject dunno reject)], 'all steps');
is_deeply($json->{used}, [JSON::PP::false, JSON::PP::false], 'what no rule needed');
is($json->{again}[0]{text} =~ s/\Q$dir\E\///r, 'sender:2: accepted, as far as the log has seen it', 'judged again');
is(scalar @{ decode_json((explained('--rcpt', 'user@here.example', '--json'))[0])->{candidates} }, 2, 'candidates');
cmp_ok(scalar(() = (explained($third))[0] =~ /\n/g), '<=', 40, 'at most 40 lines');
like((explained($third, '--all'))[0], qr/^steps +1 .*\n +> ?2 .*\n +3 .*\n/m, '--all: the steps of all recipients');

my $script = (explained('K7Q4-9MZ2', '--as-test'))[0];
is($script, <<"END", '--as-test');
# 2026-11-22 08:15:00 UTC, NOQUEUE, id $third
# answer: found dns MX bad.example => 10 mail.bad.example.
# answer: temperror dns A mail.bad.example => timeout
client mail.bad.example 192.0.2.7
helo mail.bad.example
mail <Friend\@bad.example>
rcpt <other\@here.example>
# expect: 554 5.7.1 <Friend\@bad.example>: Sender address rejected: go away
END
my ($played) = run_tamis($script, 'test', '-c', "$dir/milter.conf", '--session', '-');
is((split /\n/, $played)[-1], '554 5.7.1 <Friend@bad.example>: Sender address rejected: go away', 'played, it answers so');

write_file('policy.conf', $conf . "policy_tests = kept.session\n");
write_file('kept.session', $script);
is((run_tamis('', 'check', '-c', "$dir/policy.conf"))[2], 0, 'kept as one of policy_tests, it holds');
write_file('kept.session', $script =~ s/go away/come in/r);
is((run_tamis('', 'check', '-c', "$dir/policy.conf"))[2], 78, 'and another reply does not');

# --- under other rules

write_file('sender', "# by domain\n");
like((explained($third))[0], qr/^without +sender:2: accepted, as far as/m, 'without the rule, by the policy of that time');
like((explained($third))[0], qr/^now +under milter\.conf: accepted, as far as/m, 'and by that of today');
write_file('new.conf', $conf . "recipient_restrictions = reject\n");
my ($new) = run_tamis('', 'explain', '-c', "$dir/new.conf", '--file', $log, $third);
like($new, qr/^now +under \S+new\.conf: rejected by \S+new\.conf:6: 554 5\.7\.1 <user\@here\.example>: Recipient address rejected: Access denied$/m,
    '-c NEW.conf');
write_file('sender', $sender);

# The same with a list's own restriction: nothing fits, so a restriction is proposed.
my $strict = "postfix_config_directory =\nmydestination = here.example\nrecipient_restrictions =\n    permit_mynetworks,\n    reject\nmynetworks = 127.0.0.1\n";
write_file('milter.conf', $strict);
(my $quoted = $strict) =~ s/\n/' || char(10) || '/g;
my $sixth = id('2026-11-22 08:18:00');
sqlite(<<"END");
INSERT INTO ruleset VALUES (2, 'h2', '1.0');
INSERT INTO ruleset_load VALUES (3, 2, $loaded + 1, 'SIGUSR1');
INSERT INTO ruleset_text VALUES (9, 'h9', 100, '$quoted');
INSERT INTO ruleset_file VALUES (2, 1, '$dir/milter.conf', 9);
INSERT INTO rule VALUES (3, 1, '$dir/milter.conf', 3, 'reject');
INSERT INTO verdict VALUES (5, 1, 'reject', 'RCPT', 1, 554, '5.7.1', '<' || char(6) || '>: Recipient address rejected: Access denied', 3);
INSERT INTO step VALUES (3, 1, 'permit_mynetworks', NULL, NULL, 'dunno', NULL), (4, 1, 'reject', NULL, NULL, 'reject', 3);
INSERT INTO mail (id, direction, client, helo, sender, verdict, us, held, policy, circumstance) VALUES ($sixth, 0, 1, 1, 1, 5, 100, 0, 2, 1);
INSERT INTO mail_recipient VALUES ($sixth, 1, 2, 5);
INSERT INTO mail_check VALUES ($sixth, '[[1,3,1],[1,4,1]]');
END
($text) = explained($sixth);
is($text =~ /^(without.*?)^history/ms && $1, <<'END', 'without the restriction');
without    milter.conf:3 reject: accepted, as far as the log has seen it
now        under milter.conf: the same
END
is($text =~ /^(next time.*)/ms && $1, <<'END', 'a restriction of its own, tried');
next time  to allow it: milter.conf:3, in front of reject:
               check_sender_access inline:{{friend@bad.example = OK}},
           (tried on this mail: accepted, as far as the log has seen it)
END

# --- a header decided, for the whole message

my $seventh = id('2026-11-22 08:19:00');
sqlite(<<"END");
INSERT INTO rule VALUES (4, 1, '$dir/headers', 1, '/^Subject: casino/ REJECT Spam');
INSERT INTO verdict VALUES (6, 1, 'reject', 'HEADER', 1, 550, '5.7.1', 'Spam', 4);
INSERT INTO step VALUES (5, 1, 'reject_unknown_sender_domain', 'dns MX bad.example', '10 mail.bad.example.', 'dunno', 2),
    (6, 1, 'header_checks regexp:headers', 'Subject: casino', 'REJECT Spam', 'reject', 4);
INSERT INTO asked VALUES (3, 1, 'dns MX bad.example', 'found', '10 mail.bad.example.'),
    (4, 1, 'dns A bad.example', 'none', 'no such name');
INSERT INTO mail (id, direction, client, helo, sender, verdict, us, held, queue_id, policy, circumstance)
    VALUES ($seventh, 0, 1, 1, 1, 6, 100, 0, '4Qgggg', 2, 1);
INSERT INTO mail_recipient VALUES ($seventh, 1, 2, 6), ($seventh, 2, 3, 2);
INSERT INTO mail_check VALUES ($seventh, '[[1,5,1],[0,6,1]]');
INSERT INTO mail_question VALUES ($seventh, '[[3,2500],[4,100]]', NULL);
INSERT INTO mail_token VALUES ($seventh, 0, 'GGGG-0001'), ($seventh, 2, 'GGGG-0002');
END
like((explained('4Qgggg'))[0], qr/^told +550 5\.7\.1 Spam \[GGGG-0001\]$/m, 'the token of the reply to the whole message');
like((explained('GGGG-0002'))[0], qr/^told +554 5\.7\.1 .* go away \[GGGG-0002\]$/m, 'and the own one of who has one');
($text) = explained('4Qgggg');
is(scalar(() = $text =~ /dns MX bad\.example/g), 1, 'what a step shows is not told again');
like($text, qr/^(?:asked|not needed) +dns A bad\.example -> /m, 'what none shows is');
is(scalar(() = (explained('4Qgggg', '--all'))[0] =~ /dns MX bad\.example/g), 2, '--all: all of it');
($script) = explained('4Qgggg', '--as-test');
is($script =~ /^(rcpt.*)/ms && $1, <<'END', '--as-test: the recipient was accepted, and the content is wanted');
rcpt <user@here.example>
# expect: 250 2.0.0 Ok
data
# The log does not hold the content that decided; name a file that has it:
#   message FILE.eml
# # expect: 550 5.7.1 Spam
END
($script) = explained('4Qgggg', '--rcpt', 'other@here.example', '--as-test');
is($script =~ /^(rcpt.*)/ms && $1, <<'END', 'of one that was refused alone that is the end');
rcpt <other@here.example>
# expect: 554 5.7.1 <Friend@bad.example>: Sender address rejected: go away
END

($text) = explained('4Qgggg', '--rcpt', 'other@here.example');
is($text =~ /^(verdict.*?)^which/ms && $1, <<'END', 'refused by itself before the message was: both, each at its stage');
verdict    rejected at RCPT, 2026-11-22 08:19:00 UTC, incoming
           the message itself: rejected at HEADER
END
is($text =~ /^(rule .*?)^steps/ms && $1, <<'END', 'by its own rule, and since when that is there');
rule       sender:2  bad.example REJECT go away
           in force since 2026-11-20 08:00:00, still so; policy 2, loaded 2026-11-20 08:00:00 by SIGUSR1
END
like($text, qr/^told +554 5\.7\.1 .* go away \[GGGG-0002\]$/m, 'and what it was told');
($text) = explained('4Qgggg', '--all');
is($text =~ /^(to .*?)^told/ms && $1, <<'END', '--all: each recipient at its stage');
to         <user@here.example>: rejected at HEADER by headers:1
           <other@here.example>: rejected at RCPT by sender:2
END

# --- one recipient refused, the message taken for the other

my $tenth = id('2026-11-22 08:22:00');
sqlite(<<"END");
INSERT INTO mail (id, direction, client, helo, sender, verdict, us, held, queue_id, policy, circumstance)
    VALUES ($tenth, 0, 1, 1, 1, 1, 100, 0, '4Qjjjj', 1, 1);
INSERT INTO mail_recipient VALUES ($tenth, 1, 2, 1), ($tenth, 2, 3, 2);
INSERT INTO mail_check VALUES ($tenth, '[[1,1,12],[2,2,3400]]');
END
($text) = explained('--last');
is($text =~ /^(verdict.*?)^told/ms && $1, <<"END", 'the refused one in focus, at RCPT; and the message');
verdict    rejected at RCPT, 2026-11-22 08:22:00 UTC, incoming
           the message itself: accepted at END-OF-MESSAGE
which      id $tenth, queue id 4Qjjjj
client     mail.bad.example[192.0.2.7], HELO mail.bad.example
from       <Friend\@bad.example>
to         <other\@here.example>: rejected by sender:2
           and 1 more: --all, or --rcpt ADDRESS
END
like($text, qr/^rule +sender:2  bad\.example REJECT go away$/m, 'its rule, though the message has none');
($text) = explained('4Qjjjj', '--rcpt', 'user@here.example');
is($text =~ /^(verdict.*?)^which/ms && $1, <<'END', 'of the other one: nothing but that it was taken');
verdict    accepted, 2026-11-22 08:22:00 UTC, incoming
END
unlike($text, qr/^(?:rule|told) /m, 'and no rule');
$json = decode_json((explained('4Qjjjj', '--json'))[0]);
is_deeply([map { "$_->{address} $_->{action} $_->{stage} $_->{enforced}" } @{ $json->{recipients} }],
    ['user@here.example accept END-OF-MESSAGE 1', 'other@here.example reject RCPT 1'], '--json: stages');
is($json->{rule}{since}, '2026-11-20 08:00:00', '--json: the rule of the recipient in focus');

# --- mode = observe

my $ninth = id('2026-11-22 08:21:00');
sqlite(<<"END");
INSERT INTO verdict VALUES (7, 1, 'reject', 'RCPT', 0, 554, '5.7.1', '<' || char(5) || '>: Sender address rejected: go away', 1);
INSERT INTO mail (id, direction, client, helo, sender, verdict, us, held, queue_id, policy, circumstance)
    VALUES ($ninth, 0, 1, 1, 1, 7, 100, 0, '4Qiiii', 1, 1);
INSERT INTO mail_recipient VALUES ($ninth, 1, 2, 7);
END
($text) = explained('4Qiiii');
is($text =~ /^(verdict.*?)^which/ms && $1, <<'END', 'observed: what would have been');
verdict    would have been rejected at RCPT, 2026-11-22 08:21:00 UTC, incoming
           only judged: the mail server was told to go on (mode = observe)
END
is($text =~ /^(to .*?)^rule/ms && $1, <<'END', 'and what was not told');
to         <user@here.example>: would have been rejected by sender:2
told       nothing; it would have been 554 5.7.1 <Friend@bad.example>: Sender address rejected: go away
END

# --- rules for the content that are those of that time: their result is known, though not what they read

my $seeing = "${strict}header_checks = regexp:headers\n" =~ s/    reject\n/    permit\n/r;
my $spam = "/^Subject: casino/ REJECT Spam\n";
write_file('headers', $spam);
write_file('milter.conf', $seeing);
my $eighth = id('2026-11-22 08:20:00');
s/\n/' || char(10) || '/g for my ($seeing_quoted, $spam_quoted) = ($seeing, $spam);
sqlite(<<"END");
INSERT INTO ruleset VALUES (3, 'h3', '1.0');
INSERT INTO ruleset_load VALUES (4, 3, $loaded + 2, 'SIGUSR1');
INSERT INTO ruleset_text VALUES (10, 'h10', 100, '$seeing_quoted'), (11, 'h11', 31, '$spam_quoted');
INSERT INTO ruleset_file VALUES (3, 1, '$dir/milter.conf', 10), (3, 2, '$dir/headers', 11);
INSERT INTO mail (id, direction, client, helo, sender, verdict, us, held, queue_id, policy, circumstance)
    VALUES ($eighth, 0, 1, 1, 1, 1, 100, 0, '4Qhhhh', 3, 1);
INSERT INTO mail_recipient VALUES ($eighth, 1, 2, 1);
END
my ($as_was) = run_tamis('', 'explain', '-c', "$dir/milter.conf", '--file', $log, '4Qhhhh');
like($as_was, qr/^now +under \S+milter\.conf: the same$/m, 'the same rules for the content');
write_file('headers', "$spam/^Subject: win/ REJECT Spam\n");
($as_was) = run_tamis('', 'explain', '-c', "$dir/milter.conf", '--file', $log, '4Qhhhh');
like($as_was, qr/^now +under \S+milter\.conf: unknown: nobody recorded header Subject; /m, 'and others');

# --- what was not recorded, asked today

write_file('new.conf', $conf =~ s/reject_non_fqdn_sender/reject_rbl_client zen.example/r);
write_file('sender', "# by domain\n");
my $zone = write_file('zone', "7.2.0.192.zen.example. IN A 127.0.0.2\n");
sub under {
    my ($out) = run_tamis('', 'explain', '-c', "$dir/new.conf", '--file', $log, @_, $third);
    return $out =~ s/\Q$dir\E\///gr =~ /^now +(.*)/m && $1;
}
is((run_tamis('', 'explain', '-c', "$dir/new.conf", '--file', $log, $third))[1], '', 'nothing for syslog');
is(under(), 'under new.conf: unknown: nobody recorded rbl zen.example 192.0.2.7; to know: --ask-now', 'unknown');
is(under('--ask-now', '--zone', "$dir/zone"),
    'under new.conf: rejected by new.conf:4: 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example (by answers of today)',
    '--ask-now, and marked');
is((run_tamis('', 'explain', '-c', "$dir/new.conf", '--file', $log, '--zone', "$dir/none", $third))[2], 78, 'a zone file that is not there');

done_testing;
