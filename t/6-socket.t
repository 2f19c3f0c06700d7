#!/usr/bin/perl
# 6-socket - every spelling of the socket, and what is said when it cannot be had
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Filter;
use Tamis::Guard qw(free_port run_command slurp spawn spew stop_process temp_dir wait_until);
use Tamis::Live qw(live_filter live_mta play);

alarm 300;

my $dir = temp_dir();
my $tamis = $ENV{TAMIS};

sub serves {
    my ($filter, $name) = @_;
    my $mta = live_mta($filter);
    my ($reply) = play($mta, '<prep@example.org>');
    $mta->quit;
    is_deeply [Tamis::Mta::edits($reply)], ['insheader 0 X-A:b'], "$name: serves";
    is $filter->stop, 0, "$name: ends";
    return;
}

# Spellings; PORT is a free one.
my @spellings = (
    'inet:PORT@localhost', 'inet:PORT@127.0.0.1', 'inet:PORT@[127.0.0.1]', 'inet:localhost:PORT',
    'inet:127.0.0.1:PORT', 'inet:PORT', 'inet:*:PORT', 'inet: PORT@localhost', 'INET:PORT@localhost', "unix:$dir/a", "local:$dir/b", "$dir/c",
);
my $has_ipv6 = -e '/proc/net/if_inet6' && IO::Socket::IP->new(LocalHost => '::1', Listen => 1);
push @spellings, 'inet6:PORT@[::1]', 'inet6:PORT@::1', 'inet6:[::1]:PORT', 'inet:[::1]:PORT' if $has_ipv6;
for my $spelling (@spellings) {
    my $port = free_port();
    my $socket = $spelling =~ s/PORT/$port/r;
    my $filter = live_filter(socket => $socket);
    $filter->{milter} =~ s/\@(?:localhost|127[.]0[.]0[.]1|\[127[.]0[.]0[.]1\])$/\@127.0.0.1/;
    $filter->{milter} = lcfirst $filter->{milter} =~ s/^INET/inet/r;
    $filter->{milter} = "inet6:$port\@::1" if $spelling =~ /::1/;
    $filter->{milter} = "inet:$port\@127.0.0.1" if $spelling =~ /^inet:(?:PORT|\*:PORT| PORT\@localhost)$/;
    serves($filter, $spelling);
}
ok !-e "$dir/a", 'the unix socket is gone with the filter';

# A relative path is beside the file that names it, wherever the filter was started.
for my $spelling ('unix:beside', 'local:beside', 'unix: beside') {
    my $there = temp_dir();
    my $conf = spew("$there/milter.conf", "mode = enforce\nsocket = $spelling\n");
    my $pid = spawn([$tamis, 'milter', '-c', $conf, '-o', "control_socket=$dir/beside", '-o', "log_file=$dir/log.db",
        '-o', 'postfix_config_directory='], stderr => "$there/stderr");
    ok wait_until(20, sub { -S "$there/beside" }), "$spelling: beside its file" or diag slurp("$there/stderr");
    is stop_process($pid, 'TERM', 20), 0, "$spelling: ends";
}

# Permissions of a unix socket: user and group may connect, nobody else.
my $filter = live_filter(socket => "unix:$dir/mode");
is sprintf('%o', (stat "$dir/mode")[2] & 0777), '660', 'unix socket: mode';
serves($filter, 'unix socket');

# A descriptor from systemd or the shell
sub passed_socket {
    my (%env) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die "$!\n";
    my $fd = fileno $listener;
    my $pass = sub {
        POSIX::dup2($fd, 3);
        $ENV{$_} = $env{$_} eq 'PID' ? $$ : $env{$_} for keys %env;
    };
    return ($listener, $pass);
}
my ($listener, $pass) = passed_socket();
$filter = live_filter(socket => 'fd:3', limit => $pass);
$filter->{milter} = 'inet:' . $listener->sockport . '@127.0.0.1';
serves($filter, 'fd:3');
ok $listener->opened && IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport),
    'fd:3: the socket outlives the filter';

# While one filter ends and the next one starts, clients wait and none is refused.
($listener, $pass) = passed_socket();
my $place = 'inet:' . $listener->sockport . '@127.0.0.1';
$filter = live_filter(socket => 'fd:3', limit => $pass, set => { drain_time_limit => '60s' });
$filter->{milter} = $place;
my $busy = live_mta($filter);
$busy->mail('<a@b.example>');
$busy->rcpt('<prep@example.org>');
$filter->signal('TERM');
ok $filter->wait_stderr(qr/stopping/), 'fd:3: stops';
my $late = Tamis::Mta->connect($place, negotiate => 0, timeout => 30);
$busy->data;
is $busy->content("Subject: x\n\nx\n")->{action}, 'continue', 'fd:3: the message under way ends';
is $filter->stop(0), 0, 'fd:3: then the filter';
$filter = live_filter(socket => 'fd:3', limit => $pass);
$late->_negotiate($place);
$late->connect_info('mail.example', 4, 40000, '192.0.2.7');
is +(play($late, '<bob@example.org>'))[0]{action}, 'continue', 'fd:3: the client that came between is served';
$late->quit;
is $filter->stop, 0, 'fd:3: ends';

($listener, $pass) = passed_socket(LISTEN_FDS => 1, LISTEN_PID => 'PID');
$filter = Tamis::Filter->new(limit => $pass, socket => "unix:$dir/unused",
    conf => "recipient_restrictions = check_recipient_access inline:{prep\@example.org={PREPEND X-A:b}}\n");
$filter->start;
$filter->{milter} = 'inet:' . $listener->sockport . '@127.0.0.1';
like $filter->stderr, qr/fd:3 is used/, 'LISTEN_FDS: says that it is used';
ok !-e "$dir/unused", 'LISTEN_FDS: instead of the configured socket';
is $filter->stop, 0, 'LISTEN_FDS: ends';

# What cannot be
my $conf = spew("$dir/milter.conf", '');
sub refused {
    my ($socket, $exit, $pattern, $name) = @_;
    my ($status, $out, $err) = run_command([$tamis, 'milter', '-c', $conf, '-o', "socket=$socket",
        '-o', "control_socket=$dir/control", '-o', "log_file=$dir/log.db", '-o', 'postfix_config_directory=']);
    is $status, $exit, "$name: exit status";
    like $err, $pattern, "$name: what is said";
    return;
}
refused('8894@localhost', 78, qr/8894\@localhost.*inet:PORT\@HOST/, 'no kind');
refused('tcp:8894', 78, qr/unknown kind of socket "tcp".*inet:PORT\@HOST/, 'unknown kind');
refused('inet:', 78, qr/port is missing.*inet:8894\@localhost/, 'no port');
refused('inet:70000@localhost', 78, qr/70000 is no port: ports are 1 to 65535/, 'port too large');
refused('inet:nosuchservice@localhost', 78, qr/nosuchservice is no port/, 'unknown service');
refused('inet:8894@no.such.host.invalid', 78, qr/no[.]such[.]host[.]invalid: .*write the address/, 'unknown host');
refused('unix:', 78, qr/path is missing/, 'no path');
refused('unix:/' . 'x' x 200, 78, qr/longer than 107 bytes/, 'long path');
refused('fd:x', 78, qr/descriptor's number/, 'fd:x');
refused('fd:77', 69, qr/fd:77 is not open/, 'a closed descriptor');
refused('fd:0', 69, qr/fd:0 is no listening/, 'a descriptor that does not listen');

spew("$dir/file", "precious\n");
refused("unix:$dir/file", 69, qr/\Q$dir\E\/file exists and is not a socket: it is left alone/, 'a file');
is -s "$dir/file", 9, 'the file is untouched';
symlink "$dir/nowhere", "$dir/link";
refused("unix:$dir/link", 69, qr/is not a socket/, 'a symbolic link');
ok -l "$dir/link", 'the link is untouched';

my $other = IO::Socket::UNIX->new(Local => "$dir/taken", Listen => 1) or die "$!\n";
refused("unix:$dir/taken", 69, qr/taken is in use by \S.* \(process $$\)/, 'unix socket in use');
close $other;
$filter = live_filter(socket => "unix:$dir/taken");
serves($filter, 'a stale socket is replaced');

$other = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "$!\n";
my $port = $other->sockport;
refused("inet:$port\@localhost", 69, qr/\[127[.]0[.]0[.]1\] is in use by \S.* \(process $$\)/, 'port in use');
refused("inet:$port", 69, qr/in use by \S.* \(process $$\)/, 'port in use, every address');

done_testing;
