#!/usr/bin/perl
# 7-live - what the log says of a real Postfix's mail: direction, login, observation, the MTA's own refusals
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 120;
if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

my $filter = Tamis::Filter->new(conf => '', set => {
    log_mta_rejects => 'yes', log_message_id => 'yes', mynetworks => '127.0.0.0/8, 198.51.100.0/24',
    sender_restrictions => 'check_sender_access inline:{{bad@x.example = REJECT bad}}',
});
my $postfix = Tamis::Postfix->new(milters => $filter->milter, params => {
    smtpd_recipient_restrictions =>
        'check_recipient_access inline:{{gone@test.example = REJECT 5.1.1 has left}, {slow@test.example = DEFER}}',
});
ok($filter->start, 'tamis starts') or BAIL_OUT($filter->stderr);
ok($postfix->start, 'Postfix starts');
my $rows = 0;

# Plays one scene, waits for its row, returns (dialogue, row).
sub scene {
    my (%scene) = @_;
    my $said = Tamis::Smtp->play(port => $postfix->port, message => "Subject: x\nMessage-ID: <m$rows\@x.example>\n\nbody\n", %scene);
    my @found = $filter->wait_sql(++$rows, 'SELECT * FROM decision ORDER BY id');
    return ($said, $found[-1]);
}

sub recipients {
    my ($row) = @_;
    return map { join ' ', map { $_ // '-' } @$_{qw(address action code dsn)} }
        $filter->sql("SELECT * FROM recipient WHERE id = $row->{id} ORDER BY n");
}

my ($said, $row) = scene(client => { name => 'mail.x.example', addr => '192.0.2.7' }, mail => '<s@x.example>', rcpt => ['<a@test.example>']);
is($row->{direction}, 'incoming', 'port 25: incoming');
is($row->{client_name}, 'mail.x.example', 'client name');
is($row->{client_addr}, '192.0.2.7', 'client address');
is($row->{queue_id}, $said->{queue_id}, 'queue id');
is($row->{message_id}, '<m0@x.example>', 'Message-ID');
is($row->{login}, undef, 'no login');

($said, $row) = scene(client => { name => undef, addr => '192.0.2.8', login => 'joe@x.example' }, mail => '<s@x.example>', rcpt => ['<a@test.example>']);
is($row->{direction}, 'outgoing', 'a login: outgoing');
is($row->{login}, 'joe@x.example', 'the login');
is($row->{client_name}, 'unknown', 'a client without a name is unknown');

(undef, $row) = scene(client => { name => undef, addr => '198.51.100.9' }, mail => '<s@x.example>', rcpt => ['<a@test.example>']);
is($row->{direction}, 'outgoing', 'a listed network: outgoing');

$postfix->sendmail([ '-f', 'cron@test.example', 'a@test.example' ], "Subject: local\n\nx\n");
$row = ($filter->wait_sql(++$rows, 'SELECT * FROM decision ORDER BY id'))[-1];
is($row->{direction}, 'outgoing', 'sendmail(1): outgoing');
is($row->{sender}, 'cron@test.example', 'its sender');
is($row->{action}, 'accept', 'accepted');

($said, $row) = scene(client => { name => undef, addr => '192.0.2.9' }, mail => '<s@x.example>',
    rcpt => [ '<gone@test.example>', '<slow@test.example>', '<a@test.example>' ]);
is($said->{rcpt}[0], '554 5.1.1 <gone@test.example>: Recipient address rejected: has left', 'Postfix refuses a recipient');
is_deeply([ recipients($row) ], [ 'gone@test.example reject - 5.1.1', 'slow@test.example tempfail - 4.7.1', 'a@test.example accept - -' ],
    'log_mta_rejects: it is in the log');
is($row->{action}, 'accept', 'the message went on');
like(($filter->sql("SELECT text FROM recipient WHERE id = $row->{id} AND n = 1"))[0]{text}, qr/has left/, 'with the reason');

($said, $row) = scene(client => { name => undef, addr => '192.0.2.9' }, mail => '<bad@x.example>', rcpt => ['<a@test.example>']);
is($said->{reply}, '554 5.7.1 <bad@x.example>: Sender address rejected: bad', 'enforced: rejected');
is("$row->{action} $row->{enforced} $row->{stage}", 'reject 1 RCPT', 'and logged');

# Two messages and a RSET in one session; an address without brackets.
my $smtp = Tamis::Smtp->new($postfix->port);
$smtp->command($_) for 'EHLO h.example', 'MAIL FROM:<one@x.example>', 'RCPT TO:<a@test.example>', 'RSET';
for my $sender ('<two@x.example>', 'three@x.example') {
    $smtp->command($_) for "MAIL FROM:$sender", 'RCPT TO:<a@test.example>', 'DATA';
    $smtp->message("Subject: x\n\nbody\n");
}
$smtp->quit;
my @last = ($filter->wait_sql($rows += 3, 'SELECT * FROM decision ORDER BY id'))[-3 .. -1];
is_deeply([ map { "$_->{sender} $_->{action}" } @last ], [ 'one@x.example aborted', 'two@x.example accept', 'three@x.example accept' ],
    'RSET is an end, too; the second message starts clean');

# Observation: the same rule says what it would do, and does nothing.
$filter->set(mode => 'observe');
is($filter->stop, 0, 'tamis ends');
ok($filter->start, 'tamis starts again, observing');
($said, $row) = scene(client => { name => undef, addr => '192.0.2.9' }, mail => '<bad@x.example>', rcpt => ['<a@test.example>']);
like($said->{reply}, qr/^250 2\.0\.0 Ok: queued/, 'observed: accepted');
is("$row->{action} $row->{enforced} $row->{code} $row->{text}", 'reject 0 554 <bad@x.example>: Sender address rejected: bad', 'and logged as what it would be');
is($filter->stop, 0, 'tamis ends');
done_testing;
