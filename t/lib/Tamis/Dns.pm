# Tamis::Dns - a name server on 127.0.0.1 that says what it is told to, over UDP and TCP
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Dns;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;

# A script is a text, a rule a line: NAME TYPE ANSWER…, `#` begins a comment. TYPE may be `*`. A name
# that has no rule does not exist. An answer:
#   DATA          a record: an address; PREFERENCE HOST; "STRING" "STRING" for TXT; a name
#   hex:0102…     a record of these octets
#   nodata, nxdomain, servfail, refused
#   silence       nothing is answered
#   truncate      cut over UDP: the other rules count over TCP
# With `upstream`, a port of 127.0.0.1, questions about names without any rule are passed on to there.
# Several rules for one question are several records. `ttl=N` in front of an answer sets its TTL;
# `until=FILE` in front of a record keeps the server silent until there is that file.
# A script's file that is exchanged for another (renamed over it) is read again.

my %number = (A => 1, NS => 2, CNAME => 5, SOA => 6, PTR => 12, MX => 15, TXT => 16, AAAA => 28);
my %rcode = (nodata => 0, servfail => 2, nxdomain => 3, refused => 5);

sub new {
    my ($class, %arg) = @_;
    my ($udp, $tcp);
    for (1 .. 50) {
        $udp = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1',
            LocalPort => $arg{port} // 0) or die "udp: $!\n";
        $tcp = IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.1', Listen => 64,
            LocalPort => $udp->sockport) and last;
    }
    die "no port for both UDP and TCP\n" unless $tcp;
    my $self = bless { udp => $udp, tcp => $tcp, rules => {}, log => $arg{log},
                       upstream => $arg{upstream} }, $class;
    $self->script($arg{script} // '');
    return $self;
}

sub port { my ($self) = @_; return $self->{udp}->sockport }

sub script {
    my ($self, $text) = @_;
    for my $line (split /\n/, $text) {
        $line =~ s/^\s*#.*//;
        my ($name, $type, $answer) = $line =~ /^\s*(\S+)\s+(\S+)\s+(.*?)\s*$/ or next;
        push @{ $self->{rules}{ lc "$name $type" } }, $answer;
    }
}

sub wire_name {
    my ($name) = @_;
    return join('', map { pack('C/a*', $_) } grep { length } split /\./, $name) . "\0";
}

sub rdata {
    my ($type, $text) = @_;
    return pack('H*', $1) if $text =~ /^hex:([0-9a-f]*)$/;
    return pack('C4', split /\./, $text) if $type eq 'A';
    return Socket::inet_pton(Socket::AF_INET6(), $text) if $type eq 'AAAA';
    return join '', map { pack('C/a*', $_) } $text =~ /"([^"]*)"/g if $type eq 'TXT';
    return pack('n', $1) . wire_name($2) if $type eq 'MX' && $text =~ /^(\d+) (\S+)$/;
    return wire_name($text);
}

# The question: number, name, type, octets. Nothing for what is no plain question.
sub question {
    my ($packet) = @_;
    return if length $packet < 17;
    my ($id, $flags, $count) = unpack 'n3', $packet;
    my ($at, @labels) = (12);
    while ((my $len = ord substr $packet, $at, 1) > 0) {
        return if $len > 63 || $at + $len + 1 >= length $packet;
        push @labels, substr $packet, $at + 1, $len;
        $at += $len + 1;
    }
    return if $count != 1 || $flags & 0x8000 || $at + 5 > length $packet;
    my $number = unpack 'n', substr $packet, $at + 1, 2;
    my ($type) = grep { $number{$_} == $number } keys %number;
    return ($id, join('.', @labels), $type // $number, substr $packet, 12, $at + 5 - 12);
}

# Negative answers carry an SOA with a TTL of 30 s, if nothing else is said (RFC 2308).
sub soa {
    my ($ttl) = @_;
    return "\0" . pack('n2Nn/a*', 6, 1, $ttl, "\0\0" . pack('N5', 1, 60, 60, 60, $ttl));
}

sub read_again {
    my ($self) = @_;
    my $inode = (stat $self->{file})[1] // return;
    return if $inode == $self->{inode};
    open my $in, '<', $self->{file} or return;
    local $/;
    $self->{inode} = $inode;
    $self->{rules} = {};
    $self->script(scalar <$in>);
}

# What another server says; undef if it is silent.
sub pass_on {
    my ($self, $packet, $over) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{upstream},
        Proto => $over, Timeout => 5) or return undef;
    my $reply;

    syswrite $socket, $over eq 'tcp' ? pack('n/a*', $packet) : $packet;
    return undef if !IO::Select->new($socket)->can_read(5);
    return sysread($socket, $reply, 65535) ? $reply : undef if $over eq 'udp';
    read($socket, my $len, 2) or return undef;
    return read($socket, $reply, unpack 'n', $len) ? $reply : undef;
}

# The whole answer; undef for silence.
sub reply {
    my ($self, $packet, $over) = @_;
    my ($id, $name, $type, $octets) = question($packet) or return;
    $self->read_again if defined $self->{file};
    my $key = lc $name;
    my @rules = @{ $self->{rules}{"$key " . lc $type} // $self->{rules}{"$key *"} // [] };
    my ($answers, $count, $flags, $negative) = ('', 0, 0x8580, 30);
    my $exists = grep { /^\Q$key\E / } keys %{ $self->{rules} };

    print { $self->{log} } "$over $name $type\n" if $self->{log};
    return $self->pass_on($packet, $over) if !$exists && defined $self->{upstream};
    return if grep { $_ eq 'silence' || (/^until=(\S+)/ && !-e $1) } @rules;
    return pack('n6', $id, 0x8780, 1, 0, 0, 0) . $octets
        if $over eq 'udp' && grep { $_ eq 'truncate' } @rules;
    if (my ($alias) = @rules ? () : @{ $self->{rules}{"$key cname"} // [] }) {
        $answers .= "\xc0\x0c" . pack('n2Nn/a*', 5, 1, 300, wire_name($alias));
        return pack('n6', $id, $flags, 1, 1, 0, 0) . $octets . $answers;
    }
    for my $rule (@rules) {
        my ($ttl, $text) = $rule =~ /^(?:until=\S+ )?(?:ttl=(\d+) )?(.*)$/;
        if (exists $rcode{$text}) {
            $flags |= $rcode{$text};
            $negative = $ttl // 30;
            next;
        }
        next if $text eq 'truncate';
        $answers .= "\xc0\x0c" . pack('n2Nn/a*', $number{$type}, 1, $ttl // 300, rdata($type, $text));
        $count++;
    }
    $flags |= 3 unless $exists;
    return pack('n6', $id, $flags, 1, $count, 0, 0) . $octets . $answers if $count;
    return pack('n6', $id, $flags, 1, 0, 1, 0) . $octets . soa($negative);
}

sub serve_tcp {
    my ($self, $socket) = @_;
    return 0 unless sysread $socket, my $len, 2;
    return 0 unless length $len == 2 && sysread $socket, my $packet, unpack('n', $len);
    my $reply = $self->reply($packet, 'tcp') // return 1;
    return syswrite $socket, pack('n/a*', $reply);
}

# Answers until `$until`, a handle, can be read (or is at its end).
sub serve {
    my ($self, $until) = @_;
    my $select = IO::Select->new($self->{udp}, $self->{tcp}, $until // ());
    local $SIG{PIPE} = 'IGNORE';
    while (my @ready = $select->can_read) {
        for my $handle (@ready) {
            if (defined $until && $handle == $until) {
                return;
            } elsif ($handle == $self->{tcp}) {
                my $client = $handle->accept or next;
                $select->add($client);
            } elsif ($handle == $self->{udp}) {
                my $from = $handle->recv(my $packet, 65535) // next;
                my $reply = $self->reply($packet, 'udp') // next;
                $handle->send($reply, 0, $from);
            } elsif (!$self->serve_tcp($handle)) {
                $select->remove($handle);
                close $handle;
            }
        }
    }
}

# perl -MTamis::Dns -e Tamis::Dns::main SCRIPT [LOG]: prints the port, serves until standard input
# is at its end.
sub main {
    my ($script, $log) = @ARGV;
    my $to;
    open my $in, '<', $script or die "$script: $!\n";
    local $/;
    my $text = <$in>;
    if (defined $log) {
        open $to, '>', $log or die "$log: $!\n";
        $to->autoflush(1);
    }
    my $server = Tamis::Dns->new(script => $text, log => $to);
    @$server{qw(file inode)} = ($script, (stat $in)[1]);
    STDOUT->autoflush(1);
    print $server->port, "\n";
    $server->serve(\*STDIN);
}

1;
