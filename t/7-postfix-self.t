#!/usr/bin/perl
# 7-postfix-self - the harness itself: a private Postfix starts, delivers, refuses, stops; no tamis
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use IO::Socket::IP;
use lib "$FindBin::Bin/lib";
use Tamis::Guard qw(group_alive listening run_command wait_until);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 120;
if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

my $ipv6 = IO::Socket::IP->new(LocalHost => '::1', Listen => 1);
my $postfix = Tamis::Postfix->new(
    params     => { recipient_delimiter => '+' },
    ipv6       => $ipv6,
    submission => { smtpd_helo_restrictions => 'reject' },
    listeners  => { banner => { smtpd_banner => 'harness { a, b }' } },
);
my $rules = $postfix->file('rules', <<'END');
10.0.0.50		REJECT		Adresse IP blacklistée
10.0.0.51 DEFER
rejected@example.org REJECT
later@example.org 450 4.2.0 try later
held@example.org HOLD
END

sub set_rules {
    $postfix->reload(
        smtpd_client_restrictions    => "check_client_access texthash:$rules",
        smtpd_sender_restrictions    => "check_sender_access texthash:$rules",
        smtpd_recipient_restrictions => "check_recipient_access texthash:$rules",
    );
}

sub play { Tamis::Smtp->play(port => $postfix->port, @_) }

ok($postfix->start, 'Postfix ' . $postfix->version . ' starts');
my $pid = $postfix->{pid};
ok(listening($postfix->port($_)), "listener $_") for qw(smtp submission banner);

subtest 'a message arrives to the byte' => sub {
    my $body = "first\r\n.\r\n..two dots\r\n.\r\n \ttrailing \t \r\n\xe9\xff 8 bits\r\n\r\n"
        . 'x' x 998 . "\r\n";
    my $said = play(mail => '<one@test.example> BODY=8BITMIME',
        rcpt => ['<a@test.example>', '<b+c@test.example>'],
        message => "Subject: bytes\r\nX-Folded: one\r\n\ttwo\r\n\r\n$body");
    like($said->{end}, qr/^250 2\.0\.0 Ok: queued as \w+\z/, 'accepted');
    is_deeply($said->{rcpt}, ['250 2.1.5 Ok', '250 2.1.5 Ok'], 'both recipients');
    my $mail = $postfix->mail_of('one@test.example');
    is(join(' ', sort @{ $mail->{recipients} }), 'a@test.example b+c@test.example', 'envelope');
    like($mail->{message}, qr/^Received: from client\.test\.example \(localhost \[127\.0\.0\.1\]\)/,
        'from where it came');
    like($mail->{message}, qr/^X-Folded: one\r\n\ttwo\r\n/m, 'header');
    is($mail->{message} =~ s/.*?\r\n\r\n//sr, $body, 'body');
};

subtest 'XCLIENT plays any client' => sub {
    my $said = play(mail => '<two@test.example>', message => "Subject: x\n\nx\n", helo => 'other',
        client => { addr => '192.0.2.7', name => 'host.test.example', login => 'joe+1@x' });
    like($said->{end}, qr/^250 /, 'accepted');
    like($postfix->mail_of('two@test.example')->{message},
        qr/^Received: from other \(host\.test\.example \[192\.0\.2\.7\]\)/, 'name and address');
    ok($postfix->wait_log(qr/ sasl_username=joe\+1\@x\z/), 'login');
};

SKIP: {
    skip 'no IPv6 here', 1 if !$ipv6;
    play(address => '::1', client => { addr => '2001:db8::1', name => undef },
        mail => '<six@test.example>', message => "Subject: x\n\nx\n");
    like($postfix->mail_of('six@test.example')->{message},
        qr/^Received: from client\.test\.example \(unknown \[IPv6:2001:db8::1\]\)/, 'IPv6');
}

is(Tamis::Smtp->play(port => $postfix->port('submission'))->{reply},
    '554 5.7.1 <client.test.example>: Helo command rejected: Access denied',
    'a listener has its own parameters');
is(Tamis::Smtp->play(port => $postfix->port('banner'))->{greeting}, '220 harness { a, b }',
    'a value of blanks and braces passes');

set_rules();
for my $row (
    ['client, accents', { client => { addr => '10.0.0.50', name => undef } }, '554 5.7.1 '
        . '<unknown[10.0.0.50]>: Client host rejected: Adresse IP blacklistée'],
    ['client, later', { client => { addr => '10.0.0.51', name => 'a.test.example' } },
        '450 4.7.1 <a.test.example[10.0.0.51]>: Client host rejected: Access denied'],
    ['sender', { mail => '<rejected@example.org>' },
        '554 5.7.1 <rejected@example.org>: Sender address rejected: Access denied'],
    ['recipient', { rcpt => ['<later@example.org>'] },
        '450 4.2.0 <later@example.org>: Recipient address rejected: try later'],
) {
    my ($name, $scene, $reply) = @$row;
    is(play(%$scene)->{reply}, $reply, "restriction: $name");
}

subtest 'held mail' => sub {
    my $said = play(mail => '<held@example.org>', message => "Subject: held\n\nheld\n");
    my ($entry) = $postfix->queue;
    is($entry->{queue_name}, 'hold', 'is on hold');
    is($entry->{queue_id}, $said->{queue_id}, 'under the name that the reply gave');
    like($postfix->queued_message($said->{queue_id}), qr/^Subject: held$/m, 'and can be read');
};

subtest 'sendmail(1) and postmap(1)' => sub {
    my ($status, $out) = $postfix->sendmail(['-f', 'three@test.example', 'c@test.example'],
        "Subject: y\n\ny\n");
    is("$status$out", '0', 'sendmail is silent');
    like($postfix->mail_of('three@test.example')->{message},
        qr/^Received: by mx\.test\.example \(Postfix, from userid \d+\)/, 'delivered');
    is_deeply([$postfix->postmap_query("texthash:$rules", '10.0.0.51')], [0, "DEFER\n", ''],
        'found');
    is_deeply([$postfix->postmap_query("texthash:$rules", 'no')], [1, '', ''], 'not found');
    is($postfix->postconf('recipient_delimiter'), '+', 'postconf');
  SKIP: {
        skip 'no pcre plugin', 1 if !$postfix->has_pcre && !defined $ENV{TAMIS_POSTFIX};
        my $table = $postfix->file('pcre', '/^(a+)b/ $1' . "\n");
        is_deeply([$postfix->postmap_query("pcre:$table", 'aab')], [0, "aa\n", ''], 'pcre');
    }
};

ok($postfix->drained, 'nothing is left to deliver');
is(join("\n", grep { / (?:fatal|panic|error): | bad command startup/ } split /\n/, $postfix->log),
    '', 'no complaint in the log');
ok($postfix->stop, 'Postfix stops');
ok(!group_alive($pid), 'no process is left');
ok(!listening($postfix->port($_)), "$_ listens no more") for qw(smtp submission banner);

subtest 'a test that is killed leaves nothing behind' => sub {
    my $script = $postfix->file('killed.pl', <<'END');
use Tamis::Postfix;
my $postfix = Tamis::Postfix->new->start;
print join(' ', $postfix->{pid}, $postfix->port, $postfix->dir), "\n";
close STDOUT;
kill 'KILL', $$;
END
    my ($status, $out) = run_command([$^X, "-I$FindBin::Bin/lib", $script]);
    my ($master, $port, $dir) = split ' ', $out;
    is($status, 137, 'killed');
    ok($dir && wait_until(20, sub { !-e $dir }), 'directory removed');
    ok($master && !group_alive($master), 'Postfix stopped');
    ok($port && !listening($port), 'port free');
};

done_testing();
