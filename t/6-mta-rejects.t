#!/usr/bin/perl
# 6-mta-rejects - recipients that the MTA itself refused: logged, never answered
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Live qw(live_filter live_mta);
use Tamis::Mta;

alarm 120;

my $filter = live_filter(set => { log_mta_rejects => 'yes' });
my $mta = live_mta($filter);
my @error = ('{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1',
    '{rcpt_addr}' => '550 5.1.1 <reject@example.org>: unknown user');
my @good = ('{rcpt_mailer}' => 'smtp', '{rcpt_host}' => 'example.org', '{rcpt_addr}' => 'bob@example.org');

$mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
is $mta->rcpt('<reject@example.org>', @error)->{action}, 'continue', 'a refused recipient: not answered';
is $mta->rcpt('<redir@example.org>', @error)->{action}, 'continue', 'another one';
is $mta->rcpt('<bob@example.org>', @good)->{action}, 'continue', 'one that was taken';
$mta->data(i => '4Qrej');
my $reply = $mta->content("Subject: x\n\nx\n");
is $reply->{action}, 'continue', 'the message passes';
is_deeply $reply->{mods}, [], 'no rule fired for those who were refused';
$mta->abort;

$mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
is $mta->rcpt('<reject@example.org>', @error)->{action}, 'continue', 'all refused:';
$mta->abort;
is $mta->rcpt('<reject@example.org>', @error)->{action}, 'continue', 'no MAIL:';

# Domains of virtual_alias_domains have that mailer, and so have all that transport_maps says error: of. Postfix has
# taken their recipients.
for my $host ('User unknown in virtual alias table', '5.1.1 moved', 'moved', '', '5.1', '5.1.1.1', '5.1.', '5.1.1234') {
    $mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    is $mta->rcpt('<reject@example.org>', '{rcpt_mailer}' => 'error', '{rcpt_host}' => $host, '{rcpt_addr}' => 'reject@example.org')->{action},
        'replycode', "mailer error, host \"$host\": judged";
    $mta->abort;
}
$mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
is $mta->rcpt('<reject@example.org>', '{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1', '{rcpt_addr}' => 'reject@example.org')->{action},
    'replycode', 'mailer error, a code for a host, but an address: judged';
$mta->abort;

# Who was refused is neither sent away nor there already.
sub edits_for {
    my ($rule) = @_;
    $mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    $mta->rcpt('<bob@example.org>', @error);
    $mta->rcpt("<$rule\@example.org>", '{rcpt_mailer}' => 'smtp', '{rcpt_host}' => 'example.org', '{rcpt_addr}' => "$rule\@example.org");
    $mta->data(i => '4Qedit');
    my $reply = $mta->content("Subject: x\n\nx\n");
    $mta->abort;
    return [Tamis::Mta::edits($reply)];
}
is_deeply edits_for('redir'), ['addrcpt <boss@example.org>', 'delrcpt <redir@example.org>'], 'REDIRECT: those who were taken go';
is_deeply edits_for('redir2'), ['addrcpt <Bob@example.org>', 'delrcpt <redir2@example.org>'], 'REDIRECT to one who was refused';
is_deeply edits_for('bcc3'), ['addrcpt <bob@example.org> NOTIFY=NEVER'], 'BCC to one who was refused';
$mta->quit;

my @rows = $filter->wait_sql(4, q{SELECT address, action, code, dsn, text FROM recipient ORDER BY id, n});
is $rows[0]{address}, 'reject@example.org', 'logged';
is $rows[0]{action}, 'reject', 'as rejected';
is $rows[0]{dsn}, '5.1.1', "with the MTA's status code";
is $rows[2]{action}, 'accept', 'beside those who were taken';
is $filter->stop, 0, 'ends';

done_testing;
