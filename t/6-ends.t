#!/usr/bin/perl
# 6-ends - how a transaction ended, as the log says it: accepted, refused, discarded, broken off
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Live qw(live_mta);
use Tamis::Mta;

alarm 120;

my $filter = Tamis::Filter->new(conf => <<'CONF', set => { log_mta_rejects => 'yes' })->start;
mode = enforce
recipient_restrictions = check_recipient_access inline:{{no@x.example = REJECT}, {later@x.example = DEFER}, {gone@x.example = DISCARD}}
CONF
my @by_mta = ('{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1', '{rcpt_addr}' => 'unknown user');
my $rows = 0;

# Plays MAIL and recipients, then DATA and a message or an abort, in a session of its own; returns "action stage" of its row.
sub ends {
    my ($finish, @rcpts) = @_;
    my $mta = live_mta($filter);
    $mta->mail('<a@b.example>');
    $mta->rcpt(ref $_ ? @$_ : "<$_\@x.example>") for @rcpts;
    if ($finish) {
        $mta->data;
        $mta->content("Subject: x\n\nbody\n");
    }
    $mta->abort if !$finish;
    $mta->quit;
    my @found = $filter->wait_sql(++$rows, 'SELECT action, stage FROM decision ORDER BY id');
    return join ' ', grep { defined } @{ $found[-1] }{qw(action stage)};
}

is ends(1, 'yes'), 'accept END-OF-MESSAGE', 'a message';
is ends(1, 'no', 'yes'), 'accept END-OF-MESSAGE', 'one recipient of two refused';
is ends(0, 'no'), 'reject RCPT', 'the only recipient refused';
is ends(0, 'no', 'later'), 'tempfail RCPT', 'all refused: the last one tells';
is +(split ' ', ends(0, 'yes'))[0], 'aborted', 'broken off';
is +(split ' ', ends(0, 'yes', 'no'))[0], 'aborted', 'broken off with a recipient that was accepted';
is +(split ' ', ends(0, 'gone'))[0], 'aborted', 'broken off before it could be discarded';
is ends(1, 'gone'), 'discard RCPT', 'discarded';
is ends(1, 'gone', ['<x@x.example>', @by_mta]), 'discard RCPT', 'discarded, though the MTA refused a later recipient';
is $filter->stop, 0, 'ends';

done_testing;
