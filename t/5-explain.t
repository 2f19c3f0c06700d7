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
sub explain {
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
    (1, 1, 'check_client_access texthash:$dir/client', 'table texthash:$dir/client ' || char(1), 'not found', 'dunno', 2),
    (2, 1, 'check_sender_access texthash:$dir/sender', 'table texthash:$dir/sender ' || char(7), 'REJECT go away', 'reject', 1);
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
INSERT INTO mail_question VALUES ($third, '[[1,2500],[2,5000000]]');
INSERT INTO mail_token VALUES ($third, 2, 'K7Q4-9MZ2');
END

my ($text, $status) = explain('k7q4-9mz2');
is($status, 0, 'found by its token');
is($text, <<"END", 'what is told') or diag $text;
END
diag((explain('--from', 'friend@bad.example', '--last'))[0]);
diag((explain('--rcpt', '<user@here.example>'))[0]);
diag((explain('4Qaaaa', '--json'))[0]);
diag((explain('4Qaaaa'))[0]);
diag((explain('--rcpt', 'other@here.example', '--last'))[0]);
diag((explain('--client', '192.0.2.8'))[0]);
diag((explain("$fourth"))[0]);
diag((explain('nosuch'))[0]);
diag((explain('--last', '--as-test', 'K7Q49MZ2'))[0]);
done_testing;
