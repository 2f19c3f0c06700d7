#!/usr/bin/perl
# 6-session - the answers to an MTA's events, one connection after another
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Live qw(live_filter live_mta play status_of);
use Tamis::Mta;

alarm 300;

my $filter = live_filter();
my $REJECTED = '554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été';
my $mta = live_mta($filter);

my ($reply, @texts) = play($mta, '<bob@example.org>');
is $reply->{action}, 'continue', 'a message passes';
is_deeply $reply->{mods}, [], 'unchanged';

# Replies
($reply, @texts) = play($mta, map { "<$_\@example.org>" } qw(reject bob defer));
is_deeply \@texts,
    [$REJECTED, 'ok', '450 4.7.1 <defer@example.org>: Recipient address rejected: later'],
    'refused recipients do not harm the others';
is $reply->{action}, 'continue', 'and the message passes';
($reply, @texts) = play($mta, '<hangup@example.org>');
is $texts[0], '421 4.7.1 <hangup@example.org>: Recipient address rejected: bye', 'code 421';
($reply, @texts) = play($mta, '<discard@example.org>');
is_deeply [$texts[0], $reply->{action}], ['ok', 'discard'], 'DISCARD: at the end of the message';
($reply, @texts) = play($mta, '<bob@example.org>');
is $reply->{action}, 'continue', 'the next message after a discarded one';

# Edits
sub edits_for {
    my ($answer) = play($mta, @_);
    return [Tamis::Mta::edits($answer)];
}
is_deeply edits_for('<hold@example.org>'), ['quarantine <hold@example.org>: Recipient address held'], 'HOLD';
is_deeply edits_for('<redir@example.org>', 'bob@example.org'),
    ['addrcpt <boss@example.org>', 'delrcpt <redir@example.org>', 'delrcpt bob@example.org'],
    'REDIRECT: the target is added before the others go, by their raw text';
is_deeply edits_for('<redir2@example.org>', '<bob@example.org>'), ['delrcpt <redir2@example.org>'],
    'REDIRECT to a recipient: only the others go';
is_deeply edits_for('<redir@example.org>', '<redir@example.org>'),
    ['addrcpt <boss@example.org>', 'delrcpt <redir@example.org>'], 'REDIRECT: one deletion a text';
is_deeply edits_for('<redir@example.org>', '<redir2@example.org>', '<bcc@example.org>'),
    [map { $_ } 'addrcpt <Bob@example.org>', 'delrcpt <redir@example.org>',
        'delrcpt <redir2@example.org>', 'delrcpt <bcc@example.org>'],
    'REDIRECT: the last one wins, over BCC too';
is_deeply edits_for('<bcc@example.org>'), ['addrcpt <copy@example.org> NOTIFY=NEVER'], 'BCC';
is_deeply edits_for('<bcc@example.org>', '<bcc2@example.org>'),
    ['addrcpt <copy@example.org> NOTIFY=NEVER'], 'BCC: twice the same address';
is_deeply edits_for('<bcc3@example.org>', '<BOB@example.org>'), [], 'BCC: is a recipient already';
is_deeply edits_for('<prep@example.org>', '<prep2@example.org>'),
    ['insheader 0 X-B: c', 'insheader 0 X-A:b'], 'PREPEND: firing order, as written';
is_deeply edits_for('<reject@example.org>', '<bob@example.org>'), [], 'clean again';

# RSET, and a connection that goes on
$mta->mail('<a@b.example>');
$mta->rcpt('<hold@example.org>');
$mta->abort;
is_deeply edits_for('<bob@example.org>'), [], 'RSET forgets the edits';
$mta->mail('<a@b.example>');
$mta->rcpt('<hold@example.org>');
$mta->data;
$mta->abort;
is_deeply edits_for('<bob@example.org>'), [], 'an abort inside the content, too';
$mta->helo('again.example', '{tls_version}' => 'TLSv1.3');
is_deeply edits_for('<prep@example.org>'), ['insheader 0 X-A:b'], 'a second HELO, after STARTTLS';
$mta->mail('<a@b.example>');
$mta->rcpt('<hold@example.org>');
$mta->mail('<a@b.example>');
is_deeply edits_for('<bob@example.org>'), [], 'a second MAIL starts anew';

# Sendmail's reused connection
$mta->quit_nc;
$mta->connect_info('other.example', 4, 40001, '192.0.2.8');
$mta->helo('other.example');
($reply, @texts) = play($mta, '<reject@example.org>', '<prep@example.org>');
is_deeply \@texts, [$REJECTED, 'ok'], 'QUIT_NC: the next client is judged';
is_deeply [Tamis::Mta::edits($reply)], ['insheader 0 X-A:b'], 'QUIT_NC: on the terms agreed before';
$mta->quit_nc for 1 .. 3;
$mta->connect_info('third.example', 4, 40001, '192.0.2.9');
($reply, @texts) = play($mta, '<bob@example.org>');
is $reply->{action}, 'continue', 'QUIT_NC several times, and no HELO';
$mta->quit;

# Mail that did not come over SMTP: no brackets, port 0; only the end of message is answered.
$mta = Tamis::Mta->connect($filter->milter);
$mta->connect_info('localhost', 4, 0, '127.0.0.1', i => '4Qloc');
$mta->helo('localhost');
($reply, @texts) = play($mta, 'reject@example.org', 'discard@example.org', 'bob@example.org');
is_deeply \@texts, ['ok', 'ok', 'ok'], 'local submission: no recipient is refused';
is $reply->{action}, 'continue', 'local submission: passes';
$mta->quit;

# Odd clients
for my $client (['unix socket', 'L', 0, '/run/x'], ['unknown', 'U'], ['IPv6', 6, 40000, '2001:db8::1'],
    ['mapped IPv4', 6, 40000, '::ffff:192.0.2.7']) {
    my ($name, @info) = @$client;
    $mta = Tamis::Mta->connect($filter->milter);
    $mta->connect_info('[192.0.2.7]', @info);
    ($reply, @texts) = play($mta, '<bob@example.org>');
    is $reply->{action}, 'continue', "client: $name";
    $mta->quit;
}

# A thousand recipients
$mta = live_mta($filter);
($reply, @texts) = play($mta, map({ "<u$_\@example.org>" } 1 .. 999), '<redir@example.org>');
is scalar(grep { $_ eq 'ok' } @texts), 1000, 'a thousand recipients';
is scalar(@{ $reply->{mods} }), 1001, 'all of them redirected';
($reply, @texts) = play($mta, map { "<u$_\@example.org>" } 1 .. 1000);
is_deeply $reply->{mods}, [], 'and none of the next message';
$mta->quit;

is status_of($filter)->{connections}{now}, 0, 'no connection is left';
is $filter->stop, 0, 'ends';

# mode = observe: judged, but the MTA hears nothing of it
$filter = live_filter(set => { mode => 'observe' });
$mta = live_mta($filter);
($reply, @texts) = play($mta, map { "<$_\@example.org>" } qw(reject defer discard hold prep redir));
is_deeply \@texts, [('ok') x 6], 'observe: nothing is refused';
is_deeply $reply->{mods}, [], 'observe: nothing is changed';
is $reply->{action}, 'continue', 'observe: the message passes';
for my $rcpt (qw(hold prep redir bcc)) {
    ($reply, @texts) = play($mta, "<$rcpt\@example.org>", '<bob@example.org>');
    is_deeply $reply->{mods}, [], "observe: nothing is changed for $rcpt";
}
$mta->quit;
is $filter->stop, 0, 'ends';

# What is found in the content changes nothing either; with annotate neither, but for its own field.
for my $mode (qw(observe annotate)) {
    $filter = live_filter(set => { mode => $mode },
        conf => "header_checks = pcre:hc\nbody_checks = static:{REJECT body}\nend_of_data_restrictions = reject\n",
        files => { hc => "/^Subject:/ REPLACE Subject: y\n/^Message-Id:/ PREPEND X-A: b\n" });
    $mta = live_mta($filter);
    ($reply, @texts) = play($mta, map { "<$_\@example.org>" } qw(hold prep redir bcc reject));
    is_deeply [@texts, $reply->{action}, @{ $reply->{mods} }], [('ok') x 5, 'continue'], "$mode: refuses and changes nothing";
    my @would = $filter->wait_sql(1, 'SELECT action, enforced FROM decision');
    is_deeply [@{ $would[0] }{qw(action enforced)}], ['reject', 0], "$mode: but the log knows";
    $mta->quit;
    is $filter->stop, 0, "$mode: ends";
}

done_testing;
