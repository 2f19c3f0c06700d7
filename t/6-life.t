#!/usr/bin/perl
# 6-life - start, signals, draining, control socket and end of the filter
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Socket qw(AF_UNIX SOCK_DGRAM);
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Guard qw(at_end free_port in_child run_command slurp spew temp_dir wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);

alarm 300;

my $dir = temp_dir();
my $tamis = $ENV{TAMIS};

sub send_message {
    my ($mta, $name) = @_;
    my ($reply) = play($mta, '<bob@example.org>');
    return is $reply->{action}, 'continue', $name;
}

# Signals: HUP and USR1 reload, whatever their number and order; nothing ends but by INT and TERM.
my $filter = live_filter(set => { reload_on_change => 'no' });
my $mta = live_mta($filter);
for my $signal (qw(HUP USR1)) {
    my $generation = status_of($filter)->{policy}{generation};
    $filter->signal($signal);
    ok wait_until(20, sub { status_of($filter)->{policy}{generation} == $generation + 1 }), "$signal reloads";
    ok $filter->wait_stderr(qr/reloaded \(SIG$signal\): generation /), "$signal: says so";
}
for (1 .. 2000) {
    $filter->signal('HUP');
    $filter->signal('USR1');
}
send_message($mta, 'after 4000 signals');
is $filter->ended, undef, 'still runs';
$mta->quit;
is $filter->stop('INT'), 0, 'INT ends it';
$filter = live_filter();
is $filter->stop('TERM'), 0, 'TERM ends it';
ok !-e $filter->control_socket, 'the control socket is gone';

# Draining: the message under way ends, new connections are refused.
$filter = live_filter(set => { drain_time_limit => '60s' });
$mta = live_mta($filter);
my $idle = live_mta($filter);
$mta->mail('<a@b.example>');
$mta->rcpt('<hold@example.org>');
is status_of($filter)->{messages}{under_way}, 1, 'one message under way';
$filter->signal('TERM');
ok $filter->wait_stderr(qr/stopping: 1 message/), 'TERM: waits for the message';
ok !eval { Tamis::Mta->connect($filter->milter) }, 'TERM: a new connection is refused';
$mta->data;
is_deeply [Tamis::Mta::edits($mta->content("Subject: x\n\nx\n"))], ['quarantine <hold@example.org>: Recipient address held'],
    'TERM: the message under way ends, with its edits';
is $filter->stop(0), 0, 'TERM: then the filter ends, idle connections or not';

# While it drains: signals and reloads change nothing, and who is there already may begin another one.
$filter = live_filter(set => { drain_time_limit => '60s', reload_on_change => 'no' });
my @busy = map { live_mta($filter) } 1 .. 20;
for (@busy) {
    $_->mail('<a@b.example>');
    $_->rcpt('<prep@example.org>');
}
my $late = live_mta($filter);
$filter->signal('TERM');
ok $filter->wait_stderr(qr/stopping: 20 messages/), 'TERM: twenty messages under way';
$filter->signal($_) for qw(HUP USR1 HUP);
is +($filter->command('reload'))[0], 0, 'TERM: a reload meanwhile';
$late->mail('<a@b.example>');
is $late->rcpt('<reject@example.org>')->{text},
    '554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été', 'TERM: one that was idle is judged';
$late->rcpt('<prep@example.org>');
my @ends = map { $_->data; join ' ', Tamis::Mta::edits($_->content("Subject: x\n\nx\n")) } @busy, $late;
is_deeply \@ends, [('insheader 0 X-A:b') x 21], 'TERM: all of them end, with their edits';
is $filter->stop(0), 0, 'TERM: then the filter ends';
is scalar($filter->wait_sql(21, q{SELECT 1 FROM decision WHERE action = 'accept'})), 21, 'TERM: each of them is in the log';

$filter = live_filter(set => { drain_time_limit => '1s' });
$mta = live_mta($filter);
$mta->mail('<a@b.example>');
$mta->rcpt('<bob@example.org>');
is $filter->stop, 0, 'TERM: not longer than drain_time_limit';
like $filter->stderr, qr/1 messages? did not end in time/, 'TERM: says what was cut off';
is $mta->eom->{action}, 'closed', 'TERM: the MTA sees the connection closed';

$filter = live_filter(set => { drain_time_limit => '600s' });
$mta = live_mta($filter);
$mta->mail('<a@b.example>');
$mta->rcpt('<bob@example.org>');
$filter->signal('TERM');
ok $filter->wait_stderr(qr/stopping/), 'TERM again:';
is $filter->stop('TERM'), 0, 'the second one ends the waiting';

# status, reload
$filter = live_filter(set => { reload_on_change => 'no' });
$mta = live_mta($filter);
send_message($mta, 'a message');
my $status = status_of($filter);
is $status->{exit}, 0, 'status: fine';
is $status->{state}, 'fine', 'status: says so';
is $status->{pid}, $filter->pid, 'status: process';
is $status->{mode}, 'enforce', 'status: mode';
is $status->{connections}{now}, 1, 'status: connections';
is $status->{messages}{under_way}, 0, 'status: the message is no longer under way, though its connection is there';
is $status->{policy}{generation}, 1, 'status: generation';
my ($exit, $out, $err) = $filter->command('reload');
is $exit, 0, 'reload: exit status';
like "$out$err", qr/^reloaded: generation 2$/m, 'reload: says the generation';
($exit, $out) = $filter->command('status');
is $exit, 0, 'status for people: exit status';
like $out, qr/^fine: tamis \S+, process \d+, up .*^policy +generation 2 of /ms, 'status for people';
my $numbers = <<'END' =~ s/\bN\b/\\d+/gr;
log         N written, N waiting, N dropped, N errors, N bytes
DNS         N asked, N shared, N remembered, N refused, N too late; N under way, N answers in N bytes
END
like $out, qr/^$numbers/m, 'status for people: the numbers';
is_deeply [sort keys %{ $status->{dns} }], [qw(bytes cached entries refused sent shared timeouts under_way)], 'status: of the DNS';
is_deeply [sort keys %{ $status->{log} }], [qw(details_dropped dropped errors file_bytes healthy last_error offered queued wal_bytes written)],
    'status: of the log';
$mta->quit;
open my $more, '>>', $filter->{conf} or die $!;
print $more "syslog_name = another\n";
close $more;
($exit, $out, $err) = $filter->command('reload');
like "$out$err", qr/^\S+milter\.conf:\d+: note: syslog_name changed to "another": takes effect when tamis is restarted\nreloaded: generation 3$/m,
    'reload: what needs a restart is said to who asked';

# Hostile clients of the control socket
sub dial { return IO::Socket::UNIX->new(Peer => $filter->control_socket) }
my @slow = map { dial() } 1 .. 40;
is status_of($filter)->{exit}, 0, 'control: forty silent clients do not keep others out';
my $client = dial();
syswrite $client, 'x' x 100000;
is sysread($client, my $bytes, 100) || 0, 0, 'control: a long line is hung up on';
$client = dial();
syswrite $client, "no such thing\n";
is do { local $/; <$client> }, "64\nunknown request: ask for reload or status\n", 'control: unknown request';
$client = dial();
syswrite $client, "status\0\n";
like do { local $/; <$client> } // '', qr/^(?:\d+\n.*)?$/s, 'control: NUL';
for (1 .. 30) {
    my $gone = dial();
    syswrite $gone, "reload\n";
    close $gone;
}
is status_of($filter)->{exit}, 0, 'control: clients that do not wait';
is $filter->stop, 0, 'ends';
($exit, $out) = $filter->command('status');
is $exit, 2, 'status: down';
($exit, $out, $err) = $filter->command('reload');
is $exit, 69, 'reload: nobody there';
like $err, qr/no filter answers at/, 'reload: says so';

# Other users may not ask; the service user and its group may. The files must be readable by it.
SKIP: {
    skip 'root is needed', 11 if $> != 0;
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    my $run = temp_dir();
    chown $uid, $gid, $run;
    $filter = live_filter(set => { user => 'nobody', control_socket => "$run/control",
        log_file => "$run/log.db", pid_file => "$run/pid", socket => "unix:$run/milter" },
        socket => "unix:$run/milter");
    my ($uids) = slurp('/proc/' . $filter->pid . '/status') =~ /^Uid:\s+(.*)/m;
    is $uids, join("\t", ($uid) x 4), 'root is dropped';
    my ($groups) = slurp('/proc/' . $filter->pid . '/status') =~ /^Groups:\s+(.*?)\s*$/m;
    is $groups, $gid, 'with its groups';
    is slurp("$run/pid"), $filter->pid . "\n", 'pid_file';
    $mta = live_mta($filter);
    send_message($mta, 'serves');
    $mta->quit;
    is $filter->stop, 0, 'ends';
    ok !-e "$run/pid" && !-e "$run/milter", 'and leaves nothing';

    my $secret = spew("$dir/secret.conf", '');
    chmod 0600, $secret;
    ($exit, $out, $err) = run_command([$tamis, 'milter', '-c', $secret, '-o', 'user=nobody', '-o',
        "socket=unix:$run/s", '-o', "control_socket=$run/c", '-o', "log_file=$run/l", '-o',
        'postfix_config_directory=']);
    is $exit, 78, 'a file that the user cannot read is an error at start';
    like $err, qr/secret[.]conf/, 'and is named';
    ($exit, $out, $err) = run_command([$tamis, 'milter', '-c', spew("$dir/open.conf", ''), '-o',
        'user=no-such-user', '-o', 'postfix_config_directory=']);
    is $exit, 78, 'no such user';
    like $err, qr/no-such-user.*adduser/, 'no such user: the mend';

    # What is freed is overwritten, so that a name which was read before the rights were taken shows.
    local $ENV{MALLOC_PERTURB_} = 165;
    mkdir "$dir/roots";
    ($exit, $out, $err) = run_command([$tamis, 'milter', '-c', "$dir/open.conf", '-o', 'user=nobody',
        '-o', "socket=unix:$run/s", '-o', "control_socket=$dir/roots/c", '-o', "log_file=$run/l",
        '-o', 'pid_file=', '-o', 'postfix_config_directory=']);
    is $exit, 73, 'a control socket where the user may not write';
    like $err, qr/roots\/c: .*; its directory must belong to nobody$/m, 'the mend names the user';
}

# What is found wrong as late as with the resolver leaves nothing where others would look for a filter.
my $anchor = spew("$dir/no-anchor", "this is no key\n");
my ($begun, undef, $why) = run_command([$tamis, 'milter', '-c', spew("$dir/late.conf", ''), '-o', 'user=', '-o',
    "socket=unix:$dir/late", '-o', "control_socket=$dir/late.control", '-o', "pid_file=$dir/late.pid", '-o', 'log_file=',
    '-o', 'postfix_config_directory=', '-o', 'dns_servers=127.0.0.1', '-o', "dns_trust_anchor=$anchor"]);
is $begun, 78, 'dns_trust_anchor without a key: it does not start';
like $why, qr/libunbound: .*; dns_trust_anchor$/m, 'and says why';
is_deeply [grep { -e } map { "$dir/late$_" } '', '.control', '.pid'], [], 'its sockets and its pid_file are gone';

# A member of the group reads the log, with the sqlite3 shell as it is, whatever became of the filter,
# and whatever umask root had. Nobody else does.
SKIP: {
    my $gid = getgrnam 'mail';
    skip 'root, setpriv, sqlite3 and the group mail are needed', 22
        if $> != 0 || !defined $gid || grep { system("$_ >/dev/null 2>&1") != 0 } 'setpriv --version', 'sqlite3 -version';
    my $top = temp_dir();
    chmod 0755, $top;
    my $log = "$top/state/tamis/log.db";
    $filter = Tamis::Filter->new(conf => "mode = enforce\n", set => { user => 'nobody:mail', log_file => $log,
        control_socket => "$top/run/tamis/control" });
    my $as = sub {
        my ($group) = @_;
        return (run_command(['setpriv', '--reuid=65533', '--regid=65533', "--groups=$group", 'sqlite3', $log,
            'SELECT count(*) FROM decision']))[1];
    };
    my $write_one = sub {
        my $old = umask 077;
        $filter->start;
        umask $old;
        $mta = live_mta($filter);
        send_message($mta, 'is logged');
        $mta->quit;
        return wait_until(20, sub { my $l = status_of($filter)->{log}; $l && $l->{written} == 1 });
    };
    my $read_by_group = sub {
        my ($when, $rows) = @_;
        is $as->($gid), "$rows\n", "$when: a member of the group reads";
        is $as->(65533), '', "$when: nobody else does";
        for my $part ('', '-wal', '-shm') {
            my ($mode, $group) = (stat "$log$part")[2, 5];
            is sprintf('%o %d', $mode // 0, $group // -1), "100640 $gid", "$when: log.db$part";
        }
    };
    ok $write_one->(), 'written';
    $read_by_group->('running', 1);
    is $filter->stop, 0, 'ends';
    $read_by_group->('stopped', 1);
    ok $write_one->(), 'written';
    $filter->stop('KILL');
    $read_by_group->('killed', 2);
    is sprintf('%o', (stat "$top/state/tamis")[2]), '40750', 'the directory is open for the group';
    is sprintf('%o', (stat "$top/state")[2]), '40755', 'those above for all';
}

# --daemon returns when it is ready; no ready child, no zero.
my $port = free_port();
my $conf = spew("$dir/daemon.conf", '');
my @daemon = ($tamis, 'milter', '--daemon', '-c', $conf, '-o', "socket=inet:$port\@127.0.0.1", '-o',
    "control_socket=$dir/d.control", '-o', "log_file=$dir/d.db", '-o', "pid_file=$dir/d.pid", '-o',
    'postfix_config_directory=');
at_end('daemon', sub { kill 'TERM', slurp("$dir/d.pid") + 0 if -s "$dir/d.pid" });
($exit) = run_command(\@daemon);
is $exit, 0, '--daemon: ready';
$mta = Tamis::Mta->connect("inet:$port\@127.0.0.1");
$mta->quit;
($exit, $out) = run_command([$tamis, 'status', '--json', '-c', $conf, '-o', "control_socket=$dir/d.control", '-o',
    'postfix_config_directory=']);
my $answer = JSON::PP->new->decode($out);
is $answer->{pid}, slurp("$dir/d.pid") + 0, '--daemon: pid_file';
($exit) = run_command(\@daemon);
is $exit, 69, '--daemon: a second one fails';
my $pid = slurp("$dir/d.pid") + 0;
kill 'TERM', $pid;
ok wait_until(20, sub { !-e "$dir/d.pid" }), '--daemon: TERM ends it';

# systemd
my $notify = IO::Socket::UNIX->new(Local => "$dir/notify", Type => SOCK_DGRAM) or die "$!\n";
$filter = live_filter(env => { NOTIFY_SOCKET => "$dir/notify", WATCHDOG_USEC => 2000000 },
    set => { reload_on_change => 'no' });
sub next_state {
    my ($wanted) = @_;
    local $SIG{ALRM} = sub { die "late\n" };
    for (1 .. 200) {
        recv $notify, my $state, 1000, 0;
        return $state if $state =~ $wanted;
    }
    return '';
}
like next_state(qr/READY/), qr/^READY=1\nMAINPID=\d+\nSTATUS=serving inet:/, 'notify: ready';
ok next_state(qr/^WATCHDOG=1$/), 'notify: watchdog';
$filter->command('reload');
like next_state(qr/RELOADING/), qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/, 'notify: reloading';
is next_state(qr/READY/), 'READY=1', 'notify: reloaded';
$filter->signal('TERM');
is next_state(qr/STOPPING/), 'STOPPING=1', 'notify: stopping';
is $filter->stop(0), 0, 'ends';

# Nobody reads for a while, until the queue is full: what counts is not lost.
$filter = Tamis::Filter->new(env => { NOTIFY_SOCKET => "$dir/notify" });
my $full = IO::Socket::UNIX->new(Peer => "$dir/notify", Type => SOCK_DGRAM) or die "$!\n";
$full->blocking(0);
1 while defined syswrite $full, 'x';
my $reader = fork() // die "fork: $!\n";
if (!$reader) {
    in_child();
    wait_until(20, sub { $filter->stderr =~ /ready: tamis/ });
    alarm 20;
    my $state = '';
    recv $notify, $state, 1000, 0 until $state =~ /^READY=1\n/;
    POSIX::_exit(0);
}
$filter->start;
waitpid $reader, 0;
is $?, 0, 'notify: ready, though nobody read when it was';
is $filter->stop, 0, 'ends';

done_testing;
