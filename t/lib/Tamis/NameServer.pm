# Tamis::NameServer - Debian's nsd with a test's own zones, and before it, where wanted, a liar
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::NameServer;

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);
use Tamis::Dns;
use Tamis::Guard qw(at_end not_at_end free_port in_child slurp spawn spew stop_process temp_dir
    wait_until);
use Tamis::Programs qw(server_missing server_program);

our @EXPORT_OK = qw(name_server_missing);

my $NOBODY = 'nobody';
my $HEAD = <<'END';
$TTL 300
@ SOA ns.test. hostmaster.test. 1 3600 3600 3600 60
@ NS ns.test.
END

# Why there is no name server here, for skip_all; undef if there is one.
sub name_server_missing { return server_missing('nsd') }

# Prepares a directory for it; start() starts. Options:
#   zones    hash: name of a zone ('.' for the root) => its records; SOA and an NS are put before it.
#            A name that is in no zone is refused; of several zones the longest counts
#   broken   list of zones that are configured and cannot be had: SERVFAIL
#   lies     script for Tamis::Dns, which answers for the names that it has rules for, and passes
#            on to nsd what it was asked besides
#   port     (preset: a free one) of 127.0.0.1, for UDP and TCP
sub new {
    my ($class, %opt) = @_;
    my $self = bless { dir => temp_dir(), opt => \%opt, program => server_program('nsd') }, $class;

    die "no nsd here\n" if !$self->{program};
    $self->{user} = $> == 0 ? $NOBODY : '';
    chown((getpwnam $NOBODY)[2, 3], $self->{dir}) if $> == 0;
    return $self;
}

# The port to ask, and the same as dns_servers wants it.
sub port { $_[0]{port} }
sub server { "127.0.0.1\@$_[0]{port}" }

sub write_config {
    my ($self) = @_;
    my ($dir, $opt) = @$self{qw(dir opt)};
    my ($number, $zones) = (0, '');

    for my $name (sort keys %{ $opt->{zones} }) {
        my $file = 'zone' . ++$number;
        spew("$dir/$file", $HEAD . $opt->{zones}{$name});
        $zones .= "zone:\n  name: \"$name\"\n  zonefile: \"$file\"\n";
    }
    for my $name (@{ $opt->{broken} || [] }) {
        $zones .= "zone:\n  name: \"$name\"\n  zonefile: \"none\"\n"
            . "  request-xfr: 127.0.0.1\@1 NOKEY\n  allow-notify: 127.0.0.1 NOKEY\n";
    }
    spew("$dir/nsd.conf", <<END);
server:
  ip-address: 127.0.0.1\@$self->{nsd_port}
  server-count: 1
  username: "$self->{user}"
  chroot: ""
  zonesdir: "$dir"
  database: ""
  pidfile: "$dir/nsd.pid"
  logfile: "$dir/nsd.log"
  xfrdfile: "$dir/xfrd.state"
  xfrdir: "$dir"
  zonelistfile: "$dir/zone.list"
  hide-version: yes
  rrl-ratelimit: 0
remote-control:
  control-enable: no
$zones
END
}

# Starts it and returns when it answers; dies with its log if it does not.
sub start {
    my ($self) = @_;
    my $wanted = $self->{opt}{port};

    for my $try (1 .. 5) {
        my $lies = defined $self->{opt}{lies};
        $self->{nsd_port} = $lies || !defined $wanted ? free_port() : $wanted;
        $self->write_config;
        unlink "$self->{dir}/nsd.log";
        if (!$self->start_nsd) {
            next if slurp("$self->{dir}/nsd.log") =~ /ddress already in use/;
            last;
        }
        $self->{port} = $lies ? $self->start_liar($wanted) : $self->{nsd_port};
        return $self;
    }
    die "nsd does not start:\n" . slurp("$self->{dir}/stderr") . slurp("$self->{dir}/nsd.log");
}

sub start_nsd {
    my ($self) = @_;
    my $answers;

    my $pid = $self->{pid} = spawn([$self->{program}, '-d', '-c', "$self->{dir}/nsd.conf"],
        stderr => "$self->{dir}/stderr");
    at_end("$self", sub { $self->stop });
    wait_until(20, sub {
        delete $self->{pid} if waitpid($pid, WNOHANG) != 0;
        $answers = $self->{pid} && $self->answers;
        return $answers || !$self->{pid} || $self->has_bad_zone;
    });
    $self->stop if !$answers;
    return $answers;
}

sub has_bad_zone { slurp("$_[0]{dir}/nsd.log") =~ / read with \d+ errors/ }

# Whether every zone that it has is served.
sub answers {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{nsd_port},
        Proto => 'udp') or return 0;

    for my $zone (keys %{ $self->{opt}{zones} }) {
        send $socket, pack('n6', 7, 0, 1, 0, 0, 0) . Tamis::Dns::wire_name($zone)
            . pack('n2', 6, 1), 0 or return 0;
        return 0 if !IO::Select->new($socket)->can_read(0.2);
        defined recv $socket, my $reply, 4096, 0 or return 0;
        return 0 if length $reply < 12 || (unpack 'n4', $reply)[1] & 15
            || !(unpack 'n4', $reply)[3];
    }
    return 1;
}

# In a process of its own until stop(). Returns its port.
sub start_liar {
    my ($self, $port) = @_;
    my $dns = Tamis::Dns->new(script => $self->{opt}{lies}, port => $port,
        upstream => $self->{nsd_port});
    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        in_child();
        POSIX::setsid();
        $dns->serve;
        POSIX::_exit(0);
    }
    Tamis::Guard::tell_guard("group $pid");
    $self->{liar} = $pid;
    return $dns->port;
}

# Stops it. From then on its port is closed.
sub stop {
    my ($self) = @_;

    not_at_end("$self");
    for my $pid (grep { defined } delete @$self{qw(liar pid)}) {
        stop_process($pid, 'TERM', 10);
    }
}

1;
