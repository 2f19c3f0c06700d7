#!/usr/bin/perl
# 6-rights - what root leaves to the service user: rights, groups, sockets, files, the log
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp spew temp_dir wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);

plan skip_all => 'root is needed' if $> != 0;
alarm 120;

my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
my ($group, $other) = grep { $_->[1] != $gid && $_->[1] != 0 } map { [(getgrnam $_)[0, 2]] } grep { getgrnam $_ } qw(mail daemon bin sys);
my ($mail) = @$group;

sub state_of {
    my ($filter) = @_;
    return { slurp('/proc/' . $filter->pid . '/status') =~ /^(\w+):\s*(.*?)\s*$/mg };
}

sub owner {
    my ($path) = @_;
    my @stat = stat $path or return "$path is missing";
    return sprintf '%o %d %d', $stat[2] & 07777, @stat[4, 5];
}

# The directories are missing: root makes them for the user.
my $top = temp_dir();
my %place = (socket => "unix:$top/a/b/milter", control_socket => "$top/c/control", log_file => "$top/d/log.db",
    pid_file => "$top/e/pid", user => "nobody:$mail");
my $filter = live_filter(socket => $place{socket}, set => \%place);
my $state = state_of($filter);
is $state->{Uid}, join("\t", ($uid) x 4), 'real, effective, saved and file system user';
is $state->{Gid}, join("\t", ($group->[1]) x 4), 'the group of user = nobody:GROUP';
is $state->{Groups}, $group->[1], 'and no other: not those of root, not that of the user';
is $state->{$_} =~ s/^0+//r, '', "no capability: $_" for qw(CapPrm CapEff);
my $mta = live_mta($filter);
is +(play($mta, '<bob@example.org>'))[0]{action}, 'continue', 'serves';
$mta->quit;
ok wait_until(20, sub { -s "$top/d/log.db" }), 'the log';
is owner("$top/d/log.db"), "640 $uid $group->[1]", 'the log: owner, group, mode';
ok wait_until(20, sub { -e "$top/d/log.db-wal" }), 'with its companion';
is owner("$top/d/log.db-wal"), "640 $uid $group->[1]", 'which is like it';
is owner("$top/a/b/milter"), "660 $uid $group->[1]", "the MTA's socket: for the group";
is owner("$top/c/control"), "660 $uid $group->[1]", 'the control socket';
is owner("$top/e/pid"), "644 $uid $group->[1]", 'pid_file';
is owner("$top/$_"), "750 $uid $group->[1]", "the directory $_" for qw(a/b c d e);
is owner("$top/a"), '755 0 0', 'one above it is for all';

# What it needs for a reload it can read; and it reads no more than the user may.
my $generation = status_of($filter)->{policy}{generation};
is +($filter->command('reload'))[0], 0, 'tamis reload: root may';
is status_of($filter)->{policy}{generation}, $generation + 1, 'tamis reload: did';
chmod 0600, $filter->{conf};
is +($filter->command('reload'))[0], 78, 'a file that the user cannot read any more: refused';
like $filter->stderr, qr/reload refused .*milter[.]conf/, 'and said';
chmod 0644, $filter->{conf};
is $filter->stop, 0, 'ends';
ok !-e "$top/a/b/milter" && !-e "$top/c/control" && !-e "$top/e/pid", 'and leaves nothing but the log';

# A shell that may write has taken -wal and -shm away: a member of the group may not make them.
SKIP: {
    my @member = ('setpriv', '--reuid=12345', "--regid=$group->[1]", '--clear-groups');
    skip 'needs sqlite3, setpriv, and a tamis that everybody can run', 5
        if (run_command([@member, $ENV{TAMIS}, '--version']))[0]
        || (run_command(['sqlite3', "$top/d/log.db", 'SELECT count(*) FROM decision']))[0];
    chmod 0755, $top;
    ok !-e "$top/d/log.db-wal" && !-e "$top/d/log.db-shm", 'the shell took its companions away';
    my ($exit, $out, $err) = run_command([@member, $ENV{TAMIS}, 'log', '--file', "$top/d/log.db"]);
    is $exit, 0, 'tamis log: a member of the group reads all the same' or diag $err;
    like $out, qr/^\S+ \S+ \S+ outgoing accept /, 'the decision';
    ok !-e "$top/d/log.db-wal", 'and leaves nothing behind';
    is +(run_command([@member, 'sqlite3', "file:$top/d/log.db?immutable=1", 'SELECT count(*) FROM decision']))[1], "1\n",
        'the shell, too, with immutable=1';
}

# The supplementary groups of the user are kept: a file for one of them can be read.
SKIP: {
    my $member;
    while (my @entry = getgrent) {
        my ($name) = grep { my @user = getpwnam $_; @user && $user[2] != 0 && $user[3] != $entry[2] } split ' ', $entry[3];
        $member //= [$name, $entry[2]] if defined $name;
    }
    skip 'no user here has a second group', 2 unless $member;
    my $run = temp_dir();
    my $id = (getpwnam $member->[0])[2];
    chown $id, -1, $run;
    my $table = spew("$run/secret", "bob\@example.org REJECT secret\n");
    chown 0, $member->[1], $table;
    chmod 0640, $table;
    $filter = live_filter(socket => "unix:$run/milter", conf => "sender_restrictions = check_recipient_access texthash:$table\n",
        set => { user => $member->[0], control_socket => "$run/control", log_file => "$run/log.db" });
    like ' ' . state_of($filter)->{Groups} . ' ', qr/ $member->[1] /, 'supplementary groups';
    is $filter->stop, 0, 'ends';
}

# A pid_file that leads elsewhere is not written, whoever made it so.
my $run = temp_dir();
my $precious = spew("$run/precious", "precious\n");
symlink $precious, "$run/link";
link $precious, "$run/hard";
for my $name (qw(link hard)) {
    $filter = live_filter(set => { user => 'nobody', pid_file => "$run/$name", control_socket => "$top/c/control2", log_file => "$top/d/log2.db" });
    is slurp($precious), "precious\n", "pid_file is a $name: what it leads to is left alone";
    is owner($precious), '644 0 0', "pid_file is a $name: and stays root's";
    like $filter->stderr, qr/pid_file \S+$name: /, "pid_file is a $name: said";
    is $filter->stop, 0, 'ends';
}

# A second filter with the same control socket does not start, and leaves the first one's files alone.
chown $uid, -1, $run;
$filter = live_filter(set => { user => 'nobody', pid_file => "$run/pid", control_socket => "$run/control", log_file => "$run/log.db" });
my ($status, $out, $err) = run_command([Tamis::Filter::tamis(), 'milter', $filter->arguments, '-o', "socket=unix:$run/second"]);
is $status, 73, 'the control socket is in use: a second filter does not start';
like $err, qr/control_socket: .* is in use by .*; its directory must belong to nobody$/m, 'and says why';
is slurp("$run/pid"), $filter->pid . "\n", 'pid_file is still that of the first one';
ok !-e "$run/second", 'and there is no socket where nobody listens';
is status_of($filter)->{pid}, $filter->pid, 'which still answers';
is $filter->stop, 0, 'ends';

done_testing;
