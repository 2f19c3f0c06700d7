#!/usr/bin/perl
# 6-growth - thousands of messages leave no descriptor, no thread and no memory behind
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(slurp wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);

# LONG=1: the long run. The first part fills what may be full: the log's cache is up to 16 MB.
my ($first, $rounds, $time) = $ENV{LONG} ? (800, 1000, 3600) : (10, 30, 300);
alarm $time;

my $filter = live_filter();

sub resources {
    my $pid = $filter->pid;
    my ($kb) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
    my ($threads) = slurp("/proc/$pid/status") =~ /^Threads:\s+(\d+)/m;
    return { kb => $kb, threads => $threads, fds => scalar(() = glob "/proc/$pid/fd/*") };
}

# A hundred messages over ten connections, some of them broken off.
sub round {
    my @connections = map { live_mta($filter) } 1 .. 10;
    my $passed = 0;
    for my $mta (@connections) {
        for (1 .. 10) {
            my ($reply) = play($mta, '<reject@example.org>', '<prep@example.org>', '<hold@example.org>');
            $passed++ if $reply->{action} eq 'continue' && @{ $reply->{mods} } == 2;
        }
    }
    $connections[0]->mail('<a@b.example>');
    $connections[0]->rcpt('<bob@example.org>');
    $connections[0]->close;
    $connections[1]->quit_nc;
    $_->quit for @connections;
    return $passed;
}

sub settle { return wait_until(20, sub { !status_of($filter)->{connections}{now} }) }

my $passed = 0;
$passed += round() for 1 .. $first;
settle();
my $before = resources();
$passed += round() for 1 .. $rounds;
settle();
my $after = resources();
is $passed, 100 * ($first + $rounds), 'every message passed';
cmp_ok $after->{fds}, '<=', $before->{fds} + 2, 'descriptors';
cmp_ok $after->{threads}, '<=', $before->{threads} + 2, 'threads';
cmp_ok $after->{kb}, '<=', $before->{kb} * 1.25 + 2048, 'memory';
diag sprintf 'memory: %d kB, then %d kB after %d messages', $before->{kb}, $after->{kb}, 100 * $rounds;
is status_of($filter)->{messages}{under_way}, 0, 'no message is left';
is $filter->stop, 0, 'ends';

done_testing;
