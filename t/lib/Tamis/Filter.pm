# Tamis::Filter - a tamis of the test's own: started, awaited, stopped, its log read
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Filter;

use strict;
use warnings;

use JSON::PP;
use POSIX qw(:sys_wait_h);
use Tamis::Guard qw(at_end not_at_end free_port listening run_command slurp spawn spew stop_process
    temp_dir wait_until);

# Prepares a directory for it; start() starts. Options:
#   conf     text of its milter.conf ('')
#   conf_file   instead: the path of one
#   set      hash of parameters given by -o, after the harness's own: socket, log_file,
#            control_socket, postfix_config_directory (empty), authentication_results (empty)
#   socket   'inet' (preset: a free port of 127.0.0.1), 'unix', or a whole value
#   files    hash: name => text of files beside its configuration
#   args     further arguments of `tamis milter`
#   env, limit   as for Tamis::Guard::spawn
sub new {
    my ($class, %opt) = @_;
    my $dir = temp_dir();
    my $self = bless { dir => $dir, opt => \%opt, program => tamis() }, $class;

    $self->file($_, $opt{files}{$_}) for keys %{ $opt{files} || {} };
    $self->{conf} = $opt{conf_file} // $self->file('milter.conf', $opt{conf} // '');
    $self->choose_socket($opt{socket} // 'inet');
    return $self;
}

sub tamis {
    my $program = $ENV{TAMIS} // './tamis';
    -x $program or die "$program: no such program; run make\n";
    return $program;
}

sub choose_socket {
    my ($self, $socket) = @_;

    if ($socket eq 'inet') {
        $self->{port} = free_port();
        $self->{socket} = "inet:$self->{port}\@127.0.0.1";
        $self->{milter} = "inet:127.0.0.1:$self->{port}";
    } elsif ($socket eq 'unix') {
        @$self{qw(socket milter)} = ("unix:$self->{dir}/milter.sock") x 2;
    } else {
        $self->{socket} = $self->{milter} = $socket;
        $self->{port} = $1 if $socket =~ /^inet6?:(\d+)@/ || $socket =~ /^inet:.*:(\d+)\z/;
    }
}

sub dir { $_[0]{dir} }
sub pid { $_[0]{pid} }
sub log_file { "$_[0]{dir}/log.db" }
sub control_socket { "$_[0]{dir}/control" }
# The socket as smtpd_milters wants it.
sub milter { $_[0]{milter} }

# Writes a file into its directory, returns the path.
sub file {
    my ($self, $name, $text) = @_;
    return spew("$self->{dir}/$name", $text);
}

# More parameters for -o, before start().
sub set {
    my ($self, %set) = @_;
    %{ $self->{opt}{set} } = (%{ $self->{opt}{set} || {} }, %set);
}

# The arguments that every tamis subcommand needs to talk about this filter.
sub arguments {
    my ($self) = @_;
    my %set = (
        socket => $self->{socket}, log_file => $self->log_file,
        control_socket => $self->control_socket, postfix_config_directory => '',
        authentication_results => '',
        %{ $self->{opt}{set} || {} },
    );
    return ('-c', $self->{conf}, map { ('-o', "$_=$set{$_}") } sort keys %set);
}

# Starts it and returns when it says that it is ready and its port listens. Dies with what it
# printed if it does not.
sub start {
    my ($self) = @_;

    $self->{from} = length $self->stderr;
    $self->{pid} = spawn(
        [$self->{program}, 'milter', $self->arguments, @{ $self->{opt}{args} || [] }],
        stderr => "$self->{dir}/stderr", stdout => "$self->{dir}/stdout",
        map { $_ => $self->{opt}{$_} } grep { exists $self->{opt}{$_} } qw(env limit));
    at_end("$self", sub { $self->stop });
    my $ended;
    wait_until(30, sub { $ended = $self->ended; return defined $ended || $self->is_ready });
    return $self if !defined $ended && $self->is_ready;
    $self->stop;
    die 'tamis milter does not start', defined $ended ? " (exit status $ended)" : '', ":\n",
        $self->stderr;
}

sub is_ready {
    my ($self) = @_;
    return substr($self->stderr, $self->{from}) =~ /\bready\b/
        && (!defined $self->{port} || listening($self->{port}));
}

# The exit status of a filter that ended by itself, undef while it runs.
sub ended {
    my ($self) = @_;
    return $self->{status} if !$self->{pid};
    return undef if waitpid($self->{pid}, WNOHANG) != $self->{pid};
    my $status = shell_status($?);
    stop_process(delete $self->{pid}, 0, 1);
    not_at_end("$self");
    return $self->{status} = $status;
}

# Stops it by `signal` (TERM). Returns the exit status as the shell has it; undef if it, or a
# process it started, had to be killed after `seconds` (30).
sub stop {
    my ($self, $signal, $seconds) = @_;
    return $self->{status} if !$self->{pid};
    my $status = stop_process(delete $self->{pid}, $signal // 'TERM', $seconds // 30);

    not_at_end("$self");
    return $self->{status} = defined $status ? shell_status($status) : undef;
}

sub shell_status {
    my ($status) = @_;
    return $status & 127 ? 128 + ($status & 127) : $status >> 8;
}

# Sends it a signal.
sub signal {
    my ($self, $signal) = @_;
    kill $signal, $self->{pid} if $self->{pid};
}

# Runs another subcommand with this filter's configuration: (exit status, stdout, stderr).
sub command {
    my ($self, $subcommand, @args) = @_;
    return run_command([$self->{program}, $subcommand, $self->arguments, @args]);
}

# What it printed on standard error so far.
sub stderr { slurp("$_[0]{dir}/stderr") }

# Waits for a line on standard error, at most `seconds` (20); returns it or undef.
sub wait_stderr {
    my ($self, $pattern, $seconds) = @_;
    my $line;

    wait_until($seconds // 20, sub {
        ($line) = grep { $_ =~ $pattern } split /\n/, $self->stderr;
        return defined $line;
    });
    return $line;
}

# The rows that a query of its log gives, each a hash of bytes, read by the sqlite3 shell. Dies if
# the shell fails.
sub sql {
    my ($self, $query) = @_;
    my ($status, $out, $err) = run_command(
        ['sqlite3', '-readonly', '-json', '-cmd', '.timeout 5000', $self->log_file, $query]);

    die "sqlite3: $err" if $status != 0 || length $err;
    return length $out ? @{ JSON::PP->new->decode($out) } : ();
}

# The same, once there are at least `count` rows; at most `seconds` (20).
sub wait_sql {
    my ($self, $count, $query, $seconds) = @_;
    my @rows;

    wait_until($seconds // 20, sub {
        @rows = -e $self->log_file ? eval { $self->sql($query) } : ();
        return @rows >= $count;
    });
    return @rows;
}

1;
