#!/usr/bin/perl
# 6-sendmail - Sendmail's side of the protocol, played: its macros, its clients, its places of fields
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Guard qw(run_command temp_dir);
use Tamis::Mta;

alarm 120;

my $dir = temp_dir();
is((run_command([$ENV{TAMIS}, 'dkim', 'genkey', '-d', 'b.example', '-s', 'k', '-b', '1024', '-D', $dir]))[0], 0, 'a key');
my $filter = Tamis::Filter->new(conf => <<'CONF', files => { rcpt => <<'RCPT', sender => <<'SENDER', hc => <<'HC' })->start;
myorigin = other.example
mynetworks = 192.0.2.9
recipient_restrictions = check_recipient_access texthash:rcpt
sender_restrictions = check_sender_access texthash:sender, reject_unknown_reverse_client_hostname
header_checks = regexp:hc
CONF
bob@test.example   REJECT not bob
virtual.example    REJECT not there
RCPT
bad@b.example      REJECT bad
SENDER
/^X-Above:/        PREPEND X-New: 1
/^X-Other:/        REPLACE X-Else: 1
HC

# A client as Sendmail tells of it; `v` is its version.
sub client {
    my ($address, $ptr, $version) = @_;
    my $mta = Tamis::Mta->connect($filter->milter, macros => { v => $version // '8.17.1.9', j => 'mx.test.example',
        '{daemon_name}' => 'MTA-v4', '{daemon_port}' => '25', '{client_ptr}' => $ptr });
    $mta->connect_info($ptr, 4, 40000, $address);
    $mta->helo('mail.example');
    return $mta;
}

sub text_of { return $_[0]{text} // $_[0]{action} }

# What the mailer gets is no address to look up: of a local recipient it is the user alone, of a
# virtual one whatever he is mapped to.
my $mta = client('192.0.2.7', 'mail.example');
$mta->mail('<a@b.example>', i => '6AMAs0001', '{mail_mailer}' => 'esmtp', '{mail_host}' => 'b.example.', '{mail_addr}' => 'a@b.example');
is text_of($mta->rcpt('<bob@test.example>', '{rcpt_mailer}' => 'local', '{rcpt_host}' => '', '{rcpt_addr}' => 'bob')),
    '554 5.7.1 <bob@test.example>: Recipient address rejected: not bob', 'a local recipient';
is text_of($mta->rcpt('<Info@Virtual.Example>', '{rcpt_addr}' => 'carol@far.example')),
    '554 5.7.1 <Info@Virtual.Example>: Recipient address rejected: not there', 'a virtual recipient';
is text_of($mta->rcpt('<eve@test.example>', '{rcpt_addr}' => 'eve')), 'continue', 'another one';
$mta->abort;
$mta->mail('<bad@b.example>', '{mail_addr}' => 'bad');
is text_of($mta->rcpt('<eve@test.example>', '{rcpt_addr}' => 'eve')), '554 5.7.1 <bad@b.example>: Sender address rejected: bad', 'a local sender';
$mta->abort;

# A user alone is never a better address than one with a domain, whatever the MTA is; else Postfix's counts.
for my $version ('Postfix 3.7.11', '8.x', '') {
    my $other = client('192.0.2.7', 'mail.example', $version);
    $other->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    is text_of($other->rcpt('<bob@test.example>', '{rcpt_addr}' => 'bob')), '554 5.7.1 <bob@test.example>: Recipient address rejected: not bob', "v=$version: a user";
    is text_of($other->rcpt('<eve@elsewhere.example>', '{rcpt_addr}' => 'eve@virtual.example')),
        '554 5.7.1 <eve@elsewhere.example>: Recipient address rejected: not there', "v=$version: an address";
    $other->quit;
}

# Sendmail counts nine fields of its own above those of the mail, and puts a field behind the one it is told.
$mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
$mta->rcpt('<eve@test.example>', '{rcpt_addr}' => 'eve');
$mta->data;
is_deeply [Tamis::Mta::edits($mta->content("Subject: x\nX-Above: 1\nX-Other: 1\nX-Above: 2\n\nx\n"))],
    ['insheader 11 X-New: 1', 'chgheader 1 X-Other:', 'insheader 10 X-Else: 1', 'insheader 9 X-New: 1'], 'places of fields';
$mta->quit;

# Without a name in the DNS
$mta = client('192.0.2.8', '[192.0.2.8]');
$mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
is text_of($mta->rcpt('<eve@test.example>')), '450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.8]', 'no reverse name';
$mta->quit;

# sendmail -bs in a pipe: not by SMTP; the same from an MTA that is not known to be Sendmail is a client.
for my $scene (['8.17.1.9', 'localhost', 'continue'], ['8.17.1.9', 'mail.example', '554'], ['Postfix 3.7.11', 'localhost', '554'], ['8', 'localhost', '554']) {
    my ($version, $name, $want) = @$scene;
    my $pipe = Tamis::Mta->connect($filter->milter, macros => { v => $version });
    $pipe->connect_info($name, 'U');
    $pipe->helo('x');
    $pipe->mail('<a@b.example>');
    like text_of($pipe->rcpt('<bob@test.example>', '{rcpt_addr}' => 'bob')), qr/^$want/, "v=$version, $name, no address";
    $pipe->quit;
}
is $filter->stop, 0, 'ends';

# Date and Message-ID that are missing come later: signed they are only if they are there.
$filter = Tamis::Filter->new(set => { mynetworks => '192.0.2.7', signing_key => "b.example:k:$dir/k.private", dkim_minimum_key_bits => 1024 })->start;
for my $scene (['8.17.1.9', '', 'From:From:Reply-To:Subject:To:Cc:MIME-Version:Content-Type'],
    ['8.17.1.9', "Date: x\n", 'From:Date:From:Reply-To:Subject:Date:To:Cc:MIME-Version:Content-Type'],
    ['8.17.1.9', "Message-Id: <1\@b>\n", 'From:Message-ID:From:Reply-To:Subject:To:Cc:Message-ID:MIME-Version:Content-Type'],
    ['Postfix 3.7.11', '', 'From:From:Reply-To:Subject:Date:To:Cc:Message-ID:MIME-Version:Content-Type']) {
    my ($version, $head, $want) = @$scene;
    $mta = client('192.0.2.7', 'mail.example', $version);
    $mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    $mta->rcpt('<eve@test.example>');
    $mta->data;
    my ($signature) = map { s/\s+//gr } Tamis::Mta::edits($mta->content("From: a\@b.example\n$head\nx\n"));
    is +($signature =~ /;h=([^;]*);/)[0], $want, "v=$version, " . ($head ? $head =~ s/\n//r : 'no Date') . ': signed fields';
    $mta->quit;
}
is $filter->stop, 0, 'ends';
done_testing;
