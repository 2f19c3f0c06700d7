#!/usr/bin/perl
# 6-negotiate - what the filter asks of the MTA for each kind of policy
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Live qw(live_filter live_mta play);
use Tamis::Mta;

alarm 120;

# NOBODY 10, NOHDRS 20, NOEOH 40, NR_HDR 80, NOUNKNOWN 100, SKIP 400, RCPT_REJ 800, NR_CONN 1000,
# NR_HELO 2000, NR_MAIL 4000, NR_EOH 40000, HDR_LEADSPC 100000
my @policies = (
    ['header events for the log', { log_message_id => 'yes' }, 0x147590],
    ['no header events', { log_message_id => 'no' }, 0x1475f0],
    ['CONNECT, HELO and MAIL are answered', { delay_reject => 'no', log_message_id => 'no' }, 0x1405f0],
    ['recipients that the MTA refused', { log_mta_rejects => 'yes', log_message_id => 'no' }, 0x147df0],
);

for my $policy (@policies) {
    my ($name, $set, $steps) = @$policy;
    my $filter = live_filter(set => $set);
    my $mta = Tamis::Mta->connect($filter->milter);
    is sprintf('%#x', $mta->{steps}), sprintf('%#x', $steps), "$name: steps";
    is $mta->{version}, 6, "$name: version";
    is sprintf('%#x', $mta->{actions}), '0x1ad', "$name: actions";
    $mta->quit;
    is $filter->stop, 0, "$name: ends";
}

my $filter = live_filter(set => { log_message_id => 'yes' });
my $mta = Tamis::Mta->connect($filter->milter);
my %lists = %{ $mta->{symbols} };
for my $name (qw(j i v _ {daemon_name} {daemon_addr} {daemon_port} {client_addr} {client_name}
    {client_ptr} {client_port} {client_resolve} {client_connections})) {
    like " $lists{0} ", qr/ \Q$name\E /, "CONNECT: $name";
}
like $lists{1}, qr/\{cert_subject\}/, 'HELO: the TLS macros';
like $lists{2}, qr/\{auth_authen\}.*\{mail_addr\}/, 'MAIL: login and resolved address';
like $lists{3}, qr/\{rcpt_addr\} \{rcpt_host\} \{rcpt_mailer\}/, 'RCPT: resolved address';
is $lists{4}, 'i', 'DATA: the queue id only';
is $lists{5}, 'i', 'end of message: the queue id only';
$mta->quit;

# An MTA that offers less gets no more than it offered.
$mta = Tamis::Mta->connect($filter->milter, version => 2, actions => 0x3f, steps => 0x7f);
is sprintf('%#x', $mta->{steps}), '0x10', 'version 2: only the steps that it offered';
is sprintf('%#x', $mta->{actions}), '0x2d', 'version 2: only the actions that it offered';
is_deeply $mta->{symbols}, {}, 'version 2: no lists of macros';
is $mta->connect_info('mail.example', 4, 40000, '192.0.2.7')->{action}, 'continue',
    'version 2: a no-reply event is answered nevertheless';
$mta->helo('mail.example');
$mta->mail('<a@b.example>');
is $mta->rcpt('<reject@example.org>')->{text},
    '554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été', 'version 2: a rejection';
is $mta->rcpt('<prep2@example.org>')->{action}, 'continue', 'version 2: a recipient';
my $reply = $mta->content("Subject: x\n\nbody\n");
is_deeply [Tamis::Mta::edits($reply)], ['insheader 0 X-B:c'], 'version 2: the MTA adds the blank';
$mta->quit;

# Each step that Postfix offers, missing; and none, under every version of the protocol.
my %offers = (map({ (sprintf('without step %#x', 1 << $_) => [steps => 0x1fffff & ~(1 << $_)]) } 0 .. 20),
    map { ("version $_, no steps" => [version => $_, steps => 0, actions => $_ == 2 ? 0x3f : 0x1ff]) } 2 .. 6);
my @wanted = ('554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été', 'ok', 'continue');
for my $name (sort keys %offers) {
    $mta = live_mta($filter, @{ $offers{$name} });
    my ($answer, @texts) = play($mta, '<reject@example.org>', '<prep@example.org>');
    is_deeply [@texts, $answer->{action}, map { s/: /:/r } Tamis::Mta::edits($answer)], [@wanted, 'insheader 0 X-A:b'], $name;
    is +(play($mta, '<bob@example.org>'))[0]{action}, 'continue', "$name: the next message";
    $mta->quit;
}
ok !eval { Tamis::Mta->connect($filter->milter, version => 1, actions => 0xf, steps => 0x7f) }, 'version 1: hung up on';

# "No more of the body" only to an MTA that understands it.
$filter->stop;
$filter = live_filter(conf => "body_checks = static:DUNNO\nbody_checks_size_limit = 100\n");
for my $case ([0x1fffff, 'skip'], [0x1fffff & ~0x400, 'continue']) {
    my ($steps, $action) = @$case;
    $mta = live_mta($filter, steps => $steps);
    $mta->mail('<a@b.example>');
    $mta->rcpt('<bob@example.org>');
    $mta->data;
    $mta->header('Subject', ' x');
    $mta->eoh;
    is $mta->body("line\r\n" x 1000)->{action}, $action, sprintf 'steps %#x: behind body_checks_size_limit: %s', $steps, $action;
    is $mta->eom->{action}, 'continue', 'the message passes';
    $mta->quit;
}

# An edit that this MTA does not take: no message goes on without it.
my %edits = (hold => 0x20, prep => 0x1, redir => 0x4 | 0x80, redir2 => 0x8, bcc => 0x4 | 0x80);
for my $who (sort keys %edits) {
    $mta = live_mta($filter, actions => 0x1ff & ~$edits{$who});
    my ($answer) = play($mta, "<$who\@example.org>", '<bob@example.org>');
    is $answer->{action}, 'tempfail', "no action for $who: a temporary failure";
    is_deeply $answer->{mods}, [], "no action for $who: nothing by halves";
    is +(play($mta, '<bob@example.org>'))[0]{action}, 'continue', "no action for $who: others are not concerned";
    $mta->quit;
}
ok $filter->wait_stderr(qr/ failed: the message gets a temporary failure/), 'and logged';
$mta = live_mta($filter, actions => 0x1ff & ~0x80);
$reply = (play($mta, '<bcc@example.org>'))[0];
is_deeply [Tamis::Mta::edits($reply)], ['addrcpt <copy@example.org>'], 'BCC: without ESMTP arguments, where there are none';
$mta->quit;

is $filter->stop, 0, 'ends';

done_testing;
