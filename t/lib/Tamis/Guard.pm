# Tamis::Guard - nothing that a test starts or creates outlives the test, however it ends
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Guard;

use strict;
use warnings;

use Cwd qw(getcwd);
use Exporter qw(import);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(:sys_wait_h setsid _exit);
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(
    temp_dir wait_until spawn stop_process in_child at_end not_at_end
    group_alive run_command free_port listening slurp spew
);

# A second process learns of every process group and directory over a pipe. When the pipe
# closes, because the test ended or was killed, it ends and removes what is still on its list.
my $main_pid = $$;
my ($guard_pid, $guard_pipe, @at_end);

sub start_guard {
    pipe(my $reader, my $writer) or die "pipe: $!\n";
    $guard_pid = fork() // die "fork: $!\n";
    if ($guard_pid) {
        close $reader;
        $guard_pipe = $writer;
        return;
    }
    close $writer;
    setsid();
    @SIG{qw(INT TERM HUP ALRM PIPE)} = ('IGNORE') x 5;
    open STDIN,  '<', '/dev/null';
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    chdir '/';
    guard($reader);
    _exit(0);
}

sub guard {
    my ($reader) = @_;
    my (%groups, %dirs);

    while (my $line = <$reader>) {
        chomp $line;
        my ($what, $value) = split / /, $line, 2;
        $groups{$value} = 1     if $what eq 'group';
        delete $groups{$value}  if $what eq 'gone';
        $dirs{$value} = 1       if $what eq 'dir';
    }
    kill 'TERM', map { -$_ } keys %groups;
    wait_until(5, sub { !grep { group_alive($_) } keys %groups });
    kill 'KILL', map { -$_ } keys %groups;
    remove_tree($_) for keys %dirs;
}

sub tell_guard {
    my ($line) = @_;
    syswrite $guard_pipe, "$line\n" if $guard_pipe;
}

# To be called first in every forked process that does not exec.
sub in_child {
    close $guard_pipe if $guard_pipe;
    undef $guard_pipe;
    @at_end = ();
    @SIG{qw(INT TERM HUP ALRM)} = ('DEFAULT') x 4;
    $SIG{PIPE} = 'IGNORE';
}

# `stop` is run at the end of the test, the latest registered first, unless taken back.
sub at_end {
    my ($key, $stop) = @_;
    push @at_end, [$key, $stop];
}

sub not_at_end {
    my ($key) = @_;
    @at_end = grep { $_->[0] ne $key } @at_end;
}

# A private directory that other users may enter (Postfix's daemons drop root), removed at the end.
# The process is part of its name: after srand the rest is foreseeable, and a guard that comes late
# would remove what another test has made anew.
sub temp_dir {
    my $dir = tempdir("tamis-$$-XXXXXXXX", TMPDIR => 1);
    chmod 0755, $dir;
    tell_guard("dir $dir");
    return $dir;
}

# Polls `test` until it is true, at most `seconds`; returns its value.
sub wait_until {
    my ($seconds, $test) = @_;
    my $deadline = time + $seconds;

    while (1) {
        my $value = $test->();
        return $value if $value || time > $deadline;
        sleep 0.01;
    }
}

# Starts a program as the leader of its own process group. Options: env (hash), stdin, stdout,
# stderr (file names), limit (sub run in the child before exec), setsid = 0 where the program does
# it itself. Returns its process id.
sub spawn {
    my ($command, %opt) = @_;
    my $pid = fork() // die "fork: $!\n";

    if ($pid) {
        tell_guard("group $pid");
        return $pid;
    }
    in_child();
    setsid() if $opt{setsid} // 1;
    open STDIN,  '<',  $opt{stdin}  // '/dev/null';
    open STDOUT, '>>', $opt{stdout} // '/dev/null';
    open STDERR, '>>', $opt{stderr} // '/dev/null';
    $opt{limit}->() if $opt{limit};
    $SIG{PIPE} = 'DEFAULT';
    local @ENV{ keys %{ $opt{env} || {} } } = values %{ $opt{env} || {} };
    { no warnings 'exec'; exec { $command->[0] } @$command; }
    print STDERR "$command->[0]: $!\n";
    _exit(127);
}

# Whether a process group has a running member. The dead do not count: nobody need collect them
# where the first process is no real init.
sub group_alive {
    my ($group) = @_;

    return 0 if !kill 0, -$group;
    for my $stat (map { slurp($_) } glob '/proc/[0-9]*/stat') {
        my ($state, undef, $of) = $stat =~ /.*\) (\S) (\d+) (\d+)/s or next;
        return 1 if $of == $group && $state !~ /[ZX]/;
    }
    return 0;
}

# Sends `signal` to the leader, waits until the whole group is gone, at most `seconds`, then kills
# it. Returns the wait status of the leader, or undef if it had to be killed.
sub stop_process {
    my ($pid, $signal, $seconds) = @_;
    my $status;

    kill $signal, $pid if $signal;
    my $ended = wait_until($seconds, sub { $status = $? if waitpid($pid, WNOHANG) == $pid;
                                           return defined $status });
    if (!$ended) {
        kill 'KILL', -$pid, $pid;
        waitpid $pid, 0;
    }
    if (!wait_until($seconds, sub { !group_alive($pid) })) {
        kill 'KILL', -$pid;
        undef $status;
    }
    tell_guard("gone $pid");
    return $status;
}

# Runs a command to its end. Options: stdin (text), env, and so on as for spawn. Returns
# (exit status as the shell has it, standard output, standard error).
sub run_command {
    my ($command, %opt) = @_;
    my $dir = tempdir('tamis-XXXXXXXX', TMPDIR => 1);

    tell_guard("dir $dir");
    spew("$dir/in", delete $opt{stdin} // '');
    my $pid = spawn($command, %opt, stdin => "$dir/in", stdout => "$dir/out", stderr => "$dir/err");
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    tell_guard("gone $pid");
    my @texts = map { slurp("$dir/$_") } qw(out err);
    remove_tree($dir);
    return ($status, @texts);
}

# What the processes below this one are waiting for, a line each: an answer to "who hung?" where
# nobody can look afterwards.
sub waiting_processes {
    my (%children, @lines);

    for my $stat (map { slurp($_) } glob '/proc/[0-9]*/stat') {
        push @{ $children{$3} }, [$1, $2] if $stat =~ /^(\d+) .*\) (\S) (\d+) /s;
    }
    my @below = @{ $children{$main_pid} // [] };
    while (my $process = shift @below) {
        my ($pid, $state) = @$process;
        my $command = slurp("/proc/$pid/cmdline") =~ tr/\0/ /r;
        push @lines, "#   $pid $state $command: " . join(' ', map { slurp("$_/wchan") || '?' } glob "/proc/$pid/task/*") . "\n";
        push @below, @{ $children{$pid} // [] };
    }
    return @lines;
}

# A TCP port of `address` that nobody uses, below the range from which the kernel gives out
# ports of its own.
sub free_port {
    my ($address) = @_;

    for (1 .. 200) {
        my $port = 10000 + int rand 20000;
        my $socket = IO::Socket::INET->new(LocalAddr => $address // '127.0.0.1',
            LocalPort => $port, Proto => 'tcp', Listen => 1);
        return $port if $socket;
    }
    die "no free port\n";
}

# Whether some process listens on that TCP port, seen without connecting to it.
sub listening {
    my ($port) = @_;
    my $end = sprintf ':%04X', $port;

    for my $file (grep { -r } qw(/proc/net/tcp /proc/net/tcp6)) {
        for (split /\n/, slurp($file)) {
            my (undef, $local, undef, $state) = split ' ';
            return 1 if $state eq '0A' && substr($local, -5) eq $end;
        }
    }
    return 0;
}

sub slurp {
    my ($path) = @_;
    open my $file, '<:raw', $path or return '';
    local $/;
    return <$file> // '';
}

sub spew {
    my ($path, $text) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
    return $path;
}

start_guard();
srand;
$SIG{PIPE} = 'IGNORE';
$SIG{ALRM} = sub { print STDERR "# out of time\n", waiting_processes(); exit 124 };
$SIG{INT}  = sub { exit 130 };
$SIG{TERM} = sub { exit 143 };
$SIG{HUP}  = sub { exit 129 };

END {
    if ($$ == $main_pid) {
        my $status = $?;
        $_->[1]->() for reverse splice @at_end;
        chdir '/';
        close $guard_pipe if $guard_pipe;
        waitpid $guard_pid, 0;
        $? = $status;
    }
}

1;
