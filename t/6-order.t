#!/usr/bin/perl
# 6-order - events in an odd order, macros that change, come for nothing, or have odd names
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);
use Tamis::Mta;

alarm 120;

my $REJECTED = '554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été';
my $filter = live_filter(files => { logins => "joe REJECT not joe\n", keys => "k\@b.example REJECT k\nc\@d.example REJECT c\n" },
    conf => "sender_restrictions = check_sasl_access texthash:logins, check_sender_access texthash:keys\nheader_checks = static:{PREPEND X-H: h}\n");

sub packet { return pack 'N/a*', $_[0] }

# Its log, the newest row last, once there are `count`.
sub rows { return $filter->wait_sql($_[0], 'SELECT id, queue_id, sender, login, recipients, action FROM decision ORDER BY id') }

# Nothing of one message is found in the next one, whatever ended it.
my $mta = live_mta($filter);
my @messages = (['<a@x.example>', '{auth_authen}' => 'joe', '{mail_addr}' => 'a@x.example'],
    ['<b@x.example>', '{auth_authen}' => undef, '{mail_addr}' => 'b@x.example'],
    ['<k@b.example>', '{mail_addr}' => 'k@b.example'], ['<n@x.example>', '{mail_addr}' => 'n@x.example'], ['<>', '{mail_addr}' => '']);
my @answers = map { $mta->mail(@$_); my $r = $mta->rcpt('<bob@example.org>'); $mta->abort; $r->{text} // 'ok' } @messages;
$mta->flush;
is_deeply \@answers, ['554 5.7.1 <joe>: SASL login name rejected: not joe', 'ok',
    '554 5.7.1 <k@b.example>: Sender address rejected: k', 'ok', 'ok'], 'login and address of each message are its own';
is_deeply [map { $_->{login} // '' } rows(5)], ['joe', '', '', '', ''], 'in the log, too';

for my $id (qw(4Qone 4Qtwo)) {
    $mta->mail('<a@x.example>', i => undef);
    $mta->rcpt('<bob@example.org>');
    $mta->data(i => $id);
    $mta->header('Subject', ' x');
    $mta->eoh;
    $mta->eom;
    $mta->abort;
}
$mta->macros(i => undef);
is_deeply [map { $_->{queue_id} } (rows(7))[5, 6]], ['4Qone', '4Qtwo'], 'so is the queue id';

# Events that are missing, doubled, or unknown: each answer is that of the event
is +(play($mta, '<bob@example.org>'))[0]{action}, 'continue', 'as before:';

# An event out of order libmilter may pass over without an answer; what follows is judged.
sub out_of_order {
    my ($name, @events) = @_;
    my $conn = live_mta($filter, timeout => 0.3);
    like $_->($conn)->{action}, qr/^(?:continue|replycode|none|timeout)$/, "$name: no harm" for @events;
    @$conn{qw(fault timeout interest)} = (undef, 10, 'all');
    $conn->abort;
    is +(play($conn, '<reject@example.org>', '<bob@example.org>'))[1], $REJECTED, "$name: then a message";
    $conn->quit;
}
my @envelope = (sub { $_[0]->mail('<e@x.example>', '{mail_addr}' => 'e@x.example') }, sub { $_[0]->rcpt('<bob@example.org>') });
out_of_order('RCPT without MAIL', $envelope[1]);
out_of_order('DATA without MAIL', sub { $_[0]->data });
out_of_order('DATA without RCPT', $envelope[0], sub { $_[0]->data }, sub { $_[0]->eoh }, sub { $_[0]->eom });
out_of_order('end of message without MAIL', sub { $_[0]->eom });
out_of_order('end of message without the end of the header', @envelope, sub { $_[0]->data }, sub { $_[0]->eom });
out_of_order('end of message without DATA', @envelope, sub { $_[0]->eom });
out_of_order('RCPT in the content', @envelope, sub { $_[0]->data }, $envelope[1]);
out_of_order("macros of stage '$_'", sub { $_[0]->{out} .= packet("D${_}i\0x\0"); $envelope[0]->($_[0]) }, $envelope[1])
    for 'x', 'U', 'L';
$mta->mail('<k@b.example>', '{mail_addr}' => 'k@b.example');
$mta->mail('<c@d.example>', '{mail_addr}' => 'c@d.example');
is $mta->rcpt('<bob@example.org>')->{text}, '554 5.7.1 <c@d.example>: Sender address rejected: c', 'MAIL twice: the second one counts';
$mta->abort;
$mta->mail('<e@x.example>', '{mail_addr}' => 'e@x.example');
$mta->rcpt('<bob@example.org>');
$mta->data;
$mta->eoh;
is $mta->eom->{action}, 'continue', 'end of message without header and body';
$mta->abort;
my $talker = live_mta($filter);
is $talker->unknown('VRFY x')->{sent}, 0, 'an unknown command is not asked for';
is $talker->raw(packet("UVRFY x\0"))->{action}, 'continue', 'and passed over when it comes';
$talker->abort for 1 .. 3;
is +(play($talker, '<reject@example.org>', '<bob@example.org>'))[1], $REJECTED, 'after three aborts: the next message is judged';
$talker->quit;
$mta->quit;

# Postfix tells a second HELO by a second event, after STARTTLS; Sendmail's client may come again.
$mta = live_mta($filter);
$mta->helo('x.example', '{tls_version}' => 'TLSv1.3');
$mta->helo('y.example', '{tls_version}' => undef);
is +(play($mta, '<reject@example.org>', '<bob@example.org>'))[1], $REJECTED, 'three HELOs';
is +($filter->wait_sql(1, q{SELECT helo FROM decision WHERE helo = 'y.example'}))[0]{helo}, 'y.example', 'the last one counts';

# Macros
my @odd = (
    ['of a stage that never comes', packet("DEi\0" . "4Qlate\0{auth_authen}\0joe\0")],
    ['with odd names', packet("DM{}\0x\0{\0y\0}\0z\0\0empty\0{a b}\0\0" . "\xff\0\xfe\0")],
    ['with the same name twice', packet("DM{mail_addr}\0f\@x.example\0{mail_addr}\0a\@b.example\0")],
    ['a thousand', packet('DM' . join '', map { "{n$_}\0v$_\0" } 1 .. 1000)],
    ['with a long value', packet("DM{x}\0" . 'v' x 60000 . "\0")],
    ['without braces', packet("DMmail_addr\0a\@b.example\0")],
);
for my $case (@odd) {
    my ($name, $bytes) = @$case;
    my $conn = live_mta($filter);
    $conn->macros('{mail_addr}' => undef);
    $conn->{out} .= $bytes;
    $conn->{out} .= packet("M<f\@x.example>\0") if $name !~ /stage/;
    $conn->mail('<f@x.example>') if $name =~ /stage/;
    is $conn->rcpt('<bob@example.org>', '{auth_authen}' => undef)->{action}, 'continue', "macros $name";
    $conn->close;
}
# A client without a verified name: Postfix writes its address where the name should be.
for my $case (['[192.0.2.7]'], ['[192.0.2.7]', '{client_name}' => 'unknown'], ['[192.0.2.7]', '{client_name}' => '[192.0.2.7]'],
    ['unknown'], ['']) {
    my ($name, @given) = @$case;
    my $lone = Tamis::Mta->connect($filter->milter);
    $lone->connect_info($name, 4, 40000, '192.0.2.7', @given);
    play($lone, '<reject@example.org>', '<bob@example.org>');
    $lone->quit;
}
is_deeply [map { $_->{client_name} } $filter->wait_sql(5, q{SELECT client_name FROM decision WHERE helo IS NULL OR helo = ''})],
    [('unknown') x 5], 'a client without a name is unknown';

# An MTA that waits less long than a lookup takes: it goes, and the filter goes on.
$filter->stop;
$filter = live_filter(set => { stage_time_limit => '2s' },
    conf => "dns_servers = 127.0.0.1\@1\nsender_restrictions = reject_unknown_sender_domain\n");
for my $how (qw(close abort quit)) {
    my $hasty = live_mta($filter, timeout => 0.2);
    $hasty->mail('<a@nowhere.example>');
    is $hasty->rcpt('<bob@example.org>')->{action}, 'timeout', "the MTA is hasty: $how";
    $hasty->{fault} = undef;
    $hasty->$how;
    $hasty->flush if $how eq 'abort';
}
ok wait_until(30, sub { my $s = status_of($filter); !$s->{messages}{under_way} && $s->{connections}{now} == 0 }),
    'nothing is left of it';

# Mail that did not come over SMTP: no list is asked, and nothing answers before the end.
$filter->stop;
$filter = live_filter(set => { delay_reject => 'no', helo_required => 'yes', strict_rfc821_envelopes => 'yes' },
    conf => "client_restrictions = static:REJECT\nhelo_restrictions = static:REJECT\nsender_restrictions = static:REJECT\n"
        . "data_restrictions = reject\nend_of_data_restrictions = reject\nheader_checks = static:{PREPEND X-H: h}\n");
for my $how (['port 0', 0], ['{daemon_port} 0', 40000, '{daemon_port}' => '0']) {
    my ($name, $port, @macros) = @$how;
    $mta = Tamis::Mta->connect($filter->milter);
    my @actions = map { $_->{action} } $mta->connect_info('localhost', 4, $port, '127.0.0.1', @macros), $mta->helo('localhost'),
        $mta->mail('root@example.org'), $mta->rcpt('reject@example.org'), $mta->data;
    is_deeply \@actions, [('continue') x 5], "local mail, $name: nothing is answered before its end";
    my $reply = $mta->content("Subject: x\n\nx\n");
    is $reply->{action}, 'continue', "local mail, $name: the lists are not asked";
    is_deeply [Tamis::Mta::edits($reply)], ['insheader 1 X-H: h'], "local mail, $name: header checks are";
    $mta->abort;
    $mta->mail('', '{mail_addr}' => '');
    $mta->rcpt('bob@example.org');
    $mta->data;
    is_deeply [Tamis::Mta::edits($mta->content("Subject: x\n\nx\n"))], [], "a bounce, $name: they are not";
    $mta->quit;
}
$mta = Tamis::Mta->connect($filter->milter);
is $mta->connect_info('mail.example', 4, 40000, '192.0.2.7')->{action}, 'replycode', 'the same, over SMTP: answered at CONNECT';
$mta->quit;
is status_of($filter)->{connections}{now}, 0, 'no connection is left';
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

done_testing;
