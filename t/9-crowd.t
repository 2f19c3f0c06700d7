#!/usr/bin/perl
# 9-crowd - more connections than the filter can hold: it says so, and serves those that it has
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use POSIX ();
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(spew temp_dir wait_until);
use Tamis::Filter;
use Tamis::Live qw(live_filter live_mta play status_of);
use Tamis::Mta;

alarm 300;

sub limits_of {
    my ($filter) = @_;
    open my $in, '<', '/proc/' . $filter->pid . '/limits' or die $!;
    return map { /^Max open files\s+(\d+)\s+(\d+)/ ? ($1, $2) : () } <$in>;
}

my $filter = live_filter();
my ($soft, $hard) = limits_of($filter);
cmp_ok $soft, '>=', $hard < 65536 ? $hard : 65536, 'the soft limit of open files is raised';
is $filter->stop, 0, 'ends';

# Every connection of many may be used again, as Sendmail does, and is judged on its own terms.
SKIP: {
    skip "only $hard descriptors", 3 if $hard < 1000 || POSIX::sysconf(POSIX::_SC_OPEN_MAX()) < 900;
    $filter = live_filter(set => { log_file => '' });
    my @many = map { Tamis::Mta->connect($filter->milter) } 1 .. 800;
    for my $mta (@many) {
        $mta->connect_info('mail.example', 4, 40000, '192.0.2.7');
        $mta->quit_nc;
    }
    my $judged = 0;
    for my $mta (@many) {
        $mta->connect_info('other.example', 4, 40000, '192.0.2.8');
        $mta->mail('<a@b.example>');
        $judged++ if ($mta->rcpt('<reject@example.org>')->{text} // '') =~ /^554 5[.]7[.]1 /;
    }
    is $judged, 800, '800 connections, each used again';
    $_->quit for @many;
    is $filter->stop, 0, 'ends';
    unlike $filter->stderr, qr/agreed on before the last reload|Sanitizer|runtime error/, 'none was forgotten';
}

# 60 descriptors, of which 48 are not for connections
my $narrow = spew(temp_dir() . '/tamis', "#!/bin/sh\nulimit -n 60\nexec '" . Tamis::Filter::tamis() . "' \"\$@\"\n");
chmod 0755, $narrow;
$filter = do { local $ENV{TAMIS} = $narrow; live_filter() };
is_deeply [limits_of($filter)], [60, 60], 'few descriptors';
my @held = map { live_mta($filter) } 1 .. 12;
my $refused = grep { !eval { Tamis::Mta->connect($filter->milter, timeout => 60) } } 1 .. 20;
is $refused, 20, 'what is too much is turned away at once';
ok $filter->wait_stderr(qr/12 connections: more are refused; raise the number of open files/), 'and logged';
is scalar(grep { my ($reply) = play($_, '<bob@example.org>'); $reply->{action} eq 'continue' } @held), 12,
    'the others are served';
is status_of($filter)->{connections}{now}, 12, 'status still answers';
$_->quit for @held;
ok wait_until(20, sub { !status_of($filter)->{connections}{now} }), 'they go';
my ($reply) = play(live_mta($filter), '<bob@example.org>');
is $reply->{action}, 'continue', 'there is room again';

# Connections that say nothing are not counted: they take descriptors until there is none.
sub processor_seconds {
    open my $in, '<', '/proc/' . $filter->pid . '/stat' or die $!;
    my @fields = split ' ', <$in> =~ s/.*\) //r;
    return ($fields[11] + $fields[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}
my $early = live_mta($filter);
my @silent = map { Tamis::Mta->connect($filter->milter, negotiate => 0) } 1 .. 80;
ok $filter->wait_stderr(qr/a connection of the MTA has to wait: Too many open files; raise the number of open files/),
    'no descriptor left: said';
my $used = processor_seconds();
sleep 3; # the time in which it would turn in circles
cmp_ok processor_seconds() - $used, '<', 0.3, 'and waited for without turning in circles';
is +(play($early, '<bob@example.org>'))[0]{action}, 'continue', 'who is there is served';
$_->close for @silent;
is +(play(live_mta($filter), '<bob@example.org>'))[0]{action}, 'continue', 'then there is room again';
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

# A connection takes a thread while it is served; libmilter forgets one that it has no thread for.
sub few_threads {
    my $prlimit = (grep { -x } qw(/usr/bin/prlimit /bin/prlimit))[0];
    skip 'root, the user games and prlimit are needed', 5 if $> != 0 || !getpwnam 'games' || !$prlimit;
    my $run = temp_dir();
    chown +(getpwnam 'games')[2], -1, $run;
    my $few = spew("$run/tamis", "#!/bin/sh\nexec $prlimit --nproc=60 '" . Tamis::Filter::tamis() . "' \"\$\@\"\n");
    chmod 0755, $few;
    local $ENV{TAMIS} = $few;
    $filter = live_filter(conf => "dns_servers = 127.0.0.1\@1\nsender_restrictions = reject_unknown_sender_domain\n",
        set => { user => 'games', control_socket => "$run/control", log_file => "$run/log.db", stage_time_limit => '1s' });
    my @busy = map { live_mta($filter, timeout => 60) } 1 .. 36;
    ok !eval { Tamis::Mta->connect($filter->milter) }, 'few threads: a connection too many is turned away';
    ok $filter->wait_stderr(qr/36 connections: more are refused; raise the number of threads [(]ulimit -u, TasksMax=[)]/), 'and logged';
    for my $mta (@busy) { # all at once
        $mta->mail('<a@nowhere.example>');
        $mta->{out} .= Tamis::Mta::packet('R', "<bob\@example.org>\0");
        $mta->flush;
    }
    my @texts = map { $_->_read_reply('R')->{text} // 'none' } @busy;
    is scalar(grep { /^450 4[.]1[.]8 .*Domain not found/ } @texts), 36, 'all others are answered' or diag "@texts";
    $_->quit for @busy;
    is $filter->stop, 0, 'ends';
    unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';
}
SKIP: { few_threads() }

done_testing;
