#!/usr/bin/perl
# 6-hostile - what no MTA should send: the filter answers or hangs up, and serves the next one
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Live qw(live_filter live_mta play status_of);
use Tamis::Guard qw(wait_until);
use Tamis::Mta;

alarm 300;

my $filter = live_filter();

sub still_serves {
    my ($name) = @_;
    my $mta = live_mta($filter);
    my ($reply) = play($mta, '<bob@example.org>');
    $mta->quit;
    return is $reply->{action}, 'continue', "$name: the next message passes";
}

# Arguments
my $long = 'x' x 60000;
my @arguments = ('', '<>', 'postmaster', '<', '>', '<<<>>>', "<\xff\xfe\@\x80>", "<a\@b>\0SIZE=1", '@', "<a b\@c>",
    "<\r\n\@x>", '<"a\"b"@x>', "<$long\@example.org>", '%s%n%d', "<\e[31m\@x>");
my $mta = live_mta($filter);
for my $argument (@arguments) {
    my $name = substr $argument, 0, 20;
    $name =~ s/[^ -~]/?/g;
    $mta->mail($argument);
    my $reply = $mta->rcpt($argument);
    like $reply->{action}, qr/^(?:continue|replycode|tempfail|reject)$/, "argument '$name'";
    $mta->abort;
}
$mta->quit;
$mta = live_mta($filter);
$mta->event('M', '');
$mta->event('R', '');
like $mta->event('R', "<a\@b>")->{action}, qr/^(?:continue|closed)$/, 'arguments without their NUL';
$mta->close;
$mta = live_mta($filter);
$mta->helo('');
$mta->helo("\xff\0\xff");
my ($reply) = play($mta, '<bob@example.org>');
is $reply->{action}, 'continue', 'empty and 8-bit HELO';
$mta->quit;

# Headers
$mta = live_mta($filter);
$mta->mail('<a@b.example>');
$mta->rcpt('<bob@example.org>');
$mta->data;
$mta->header('Subject', ' ' . 'y' x 60000);
$mta->header("X\xff", " \xff\xfe");
$mta->header('X', '');
$mta->header('Message-Id', " <\n\tx\@y>\n");
$mta->header("Line$_", " $_") for 1 .. 2000;
$mta->eoh;
is $mta->eom->{action}, 'continue', 'long, many and malformed headers';
$mta->quit;

# Packets: whatever comes, the connection is answered or closed.
sub packet { return pack 'N/a*', $_[0] }
my @packets = (
    ['length 0', pack 'N', 0], ['length 4 G', "\xff\xff\xff\xff"], ['2 MB announced', pack 'N', 2 << 20],
    ['unknown command', packet('?')], ['a macro packet without stage', packet('D')],
    ['macros without values', packet("DC{x}\0{y}")], ['CONNECT without end', packet('Cname')],
    ['CONNECT of an odd family', packet("Cname\0" . 'Z' . "\0\0x\0")],
    ['CONNECT with a bad address', packet("Cname\0004" . pack('n', 1) . "999.1.1.1\0")],
    ['CONNECT with a short address', packet("Cname\0006\0")], ['HELO without NUL', packet('Hx')],
    ['a header without value', packet("Lname\0")], ['a header without anything', packet('L')],
    ['RCPT before MAIL', packet("R<a\@b>\0")], ['end of message before MAIL', packet('E')],
    ['DATA before MAIL', packet('T')], ['a second negotiation', pack('N a N3', 13, 'O', 6, 0x1ff, 0x1fffff)],
    ['a short negotiation', packet("O\0\0")], ['QUIT', packet('Q')],
    ['a body nobody asked for', packet('Bxyz')], ['an abort', packet('A')],
);
for my $case (@packets) {
    my ($name, $bytes) = @$case;
    for my $greeted (0, 1) {
        my $conn = $greeted ? live_mta($filter) : Tamis::Mta->connect($filter->milter, negotiate => 0);
        my $answer = $conn->raw($bytes, timeout => 0.05);
        ok defined $answer->{action}, "$name: " . ($greeted ? 'after HELO' : 'before negotiation');
        $conn->close;
    }
}
still_serves('malformed packets');

# A name without a value: libmilter would look for the next one behind the end of its list.
for my $count (1, 3, 5, 61) {
    my $conn = Tamis::Mta->connect($filter->milter);
    my $reply = $conn->raw(packet('DC' . "{x}\0" x $count) . packet("Cmail.example\0" . '4' . pack('n', 4) . "192.0.2.7\0")
        . packet("Hx\0") . packet("M<a\@b>\0") . packet("R<bob\@example.org>\0"));
    is $reply->{action}, 'closed', "$count names and values of macros, one of them alone";
    $conn->close;
}
ok $filter->wait_stderr(qr/sent a macro without a value: its connection is closed/), 'and logged';
still_serves('a macro without a value');

# A packet that breaks off behind its head is no part of the next connection's first one, which has
# its descriptor; with few threads it has its thread, too.
my $young = live_filter();
sub descriptors { return scalar(() = glob '/proc/' . $young->pid . '/fd/*') }
my $few = descriptors();
sub break_off {
    my ($letter) = @_;
    my $conn = Tamis::Mta->connect($young->milter, negotiate => 0);
    $conn->raw(pack('N a', 6, $letter), timeout => 0.02);
    setsockopt $conn->{sock}, SOL_SOCKET, SO_LINGER, pack 'i2', 1, 0;
    $conn->close;
    return wait_until(20, sub { descriptors() <= $few });
}
my ($served, $closed) = (0, 0);
while ($served < 20) {
    break_off('D');
    my $next = eval { live_mta($young) };
    last if !$next || (play($next, '<bob@example.org>'))[0]{action} ne 'continue';
    $next->quit;
    $served++;
}
is $served, 20, 'behind half a packet of macros the next connection is served';
while ($closed < 20) {
    break_off('O');
    my $conn = Tamis::Mta->connect($young->milter, negotiate => 0);
    my $reply = $conn->raw(packet("DC{x}\0") . packet('O' . pack 'N3', 6, 0x1ff, 0x1fffff)
        . packet("Cmail.example\0" . '4' . pack('n', 4) . "192.0.2.7\0"));
    $conn->close;
    last if $reply->{action} ne 'closed';
    $closed++;
}
is $closed, 20, 'behind half a packet a macro without a value is found';
is $young->stop, 0, 'ends, too';

# The same bytes, each alone
my $bytewise = Tamis::Mta->connect($filter->milter);
my $session = packet("DC{client_name}\0mail.example\0j\0mx\0") . packet("Cmail.example\0" . '4' . pack('n', 40000) . "192.0.2.7\0")
    . packet("Hmail.example\0") . packet("DM{mail_addr}\0a\@b.example\0") . packet("M<a\@b.example>\0")
    . packet("DR{rcpt_addr}\0reject\@example.org\0") . packet("R<reject\@example.org>\0");
for my $byte (split //, $session) {
    $bytewise->{out} .= $byte;
    $bytewise->flush;
}
is $bytewise->raw('')->{text}, '554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été',
    'a session in single bytes is understood';
$bytewise->close;

# The client goes after every single byte.
$session .= packet("R<bob\@example.org>\0") . packet('T') . packet("LSubject\0 x\0") . packet('N') . packet("Bbody\r\n") . packet('E');
my $cut = 0;
for my $length (0 .. length $session) {
    my $conn = Tamis::Mta->connect($filter->milter);
    $conn->{out} .= substr $session, 0, $length;
    $cut += $conn->flush;
    $conn->close;
}
is $cut, 1 + length $session, 'a session cut after each of its bytes';

# Disconnects at every point
my @script = (
    sub { $_[0]->connect_info('mail.example', 4, 40000, '192.0.2.7') }, sub { $_[0]->helo('x.example') },
    sub { $_[0]->mail('<a@b.example>') }, sub { $_[0]->rcpt('<hold@example.org>') }, sub { $_[0]->data },
    sub { $_[0]->header('Subject', ' x') }, sub { $_[0]->eoh }, sub { $_[0]->flush },
);
for my $points (0 .. @script) {
    for my $how (qw(close quit)) {
        my $conn = Tamis::Mta->connect($filter->milter);
        $script[$_]->($conn) for 0 .. $points - 1;
        $conn->flush;
        $conn->$how;
    }
}
for (1 .. 20) {
    my $conn = Tamis::Mta->connect($filter->milter, negotiate => 0);
    $conn->raw(substr(pack('N a N3', 13, 'O', 6, 0x1ff, 0x1fffff), 0, $_ % 17), timeout => 0.001);
    $conn->close;
}
ok wait_until(20, sub { my $s = status_of($filter); !$s->{connections}{now} && !$s->{messages}{under_way} }),
    'nothing is left of them';
still_serves('disconnects');
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

done_testing;
