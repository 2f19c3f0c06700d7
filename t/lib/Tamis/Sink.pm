# Tamis::Sink - an LMTP server that keeps every message, with its envelope, to the byte
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Sink;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX qw(_exit);
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Tamis::Guard qw(at_end not_at_end in_child slurp spew temp_dir stop_process);
use Time::HiRes qw(time);

# Listens on a free port of 127.0.0.1 and serves from then on.
sub new {
    my ($class) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, Proto => 'tcp')
        or die "sink: $!\n";
    pipe(my $reader, my $writer) or die "pipe: $!\n";
    my $self = bless {
        dir => temp_dir(), port => $listener->sockport,
        events => $reader, pending => '', mails => [],
    }, $class;
    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        in_child();
        close $reader;
        POSIX::setsid();
        serve($listener, $self->{dir}, $writer);
        _exit(0);
    }
    Tamis::Guard::tell_guard("group $pid");
    $self->{pid} = $pid;
    at_end("$self", sub { $self->stop });
    return $self;
}

sub port { $_[0]{port} }

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    not_at_end("$self");
    stop_process($pid, 'TERM', 5);
    kill 'KILL', -$pid;
}

# All messages so far, in the order of their arrival, once there are at least `count` of them or
# `seconds` have gone by: hashes with sender, recipients (list), size and message (the bytes
# between DATA and the dot, lines ending in CRLF as received, dots unstuffed).
sub mails {
    my ($self, $count, $seconds) = @_;
    my $deadline = time + ($seconds // 20);
    my $select = IO::Select->new($self->{events});

    while (1) {
        my $left = @{ $self->{mails} } < $count ? $deadline - time : 0;
        last if !$select->can_read($left > 0 ? $left : 0);
        sysread($self->{events}, $self->{pending}, 4096, length $self->{pending}) or last;
        while ($self->{pending} =~ s/^(.*)\n//) {
            push @{ $self->{mails} }, read_mail("$self->{dir}/$1");
        }
    }
    return @{ $self->{mails} };
}

# The first message whose envelope sender or one of whose recipients is `address`.
sub mail_of {
    my ($self, $address, $seconds) = @_;
    my $deadline = time + ($seconds // 20);

    while (1) {
        my @mails = $self->mails(0);
        for my $mail (@mails) {
            return $mail if grep { $_ eq $address } $mail->{sender}, @{ $mail->{recipients} };
        }
        return undef if time > $deadline;
        $self->mails(@mails + 1, $deadline - time);
    }
}

sub read_mail {
    my ($path) = @_;
    my ($sender, @recipients) = split /\n/, slurp("$path.envelope"), -1;
    my $message = slurp("$path.message");

    return { sender => $sender, recipients => [grep { length } @recipients], message => $message,
             size => length $message };
}

sub serve {
    my ($listener, $dir, $events) = @_;
    my $number = 0;

    $SIG{CHLD} = 'IGNORE';
    while (1) {
        my $client = $listener->accept or next;
        $number++;
        my $pid = fork();
        if (defined $pid && $pid == 0) {
            $SIG{CHLD} = 'DEFAULT';
            alarm 600;
            talk($client, "$dir/$number", $events);
            _exit(0);
        }
        close $client;
    }
}

# One connection; its messages are kept as PREFIX.N.message and PREFIX.N.envelope.
sub talk {
    my ($client, $prefix, $events) = @_;
    my ($sender, @recipients);
    my $count = 0;

    binmode $client;
    setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
    print $client "220 sink.test.example LMTP\r\n";
    while (defined(my $line = <$client>)) {
        $line =~ s/\r?\n\z//;
        if ($line =~ /^LHLO /i) {
            print $client join '', map { "250$_\r\n" } '-sink.test.example', '-PIPELINING',
                '-8BITMIME', '-SMTPUTF8', '-ENHANCEDSTATUSCODES', ' SIZE';
        } elsif ($line =~ /^MAIL FROM:<(.*?)>(?: |\z)/i) {
            ($sender, @recipients) = $1;
            print $client "250 2.1.0 Ok\r\n";
        } elsif ($line =~ /^RCPT TO:<(.*?)>(?: |\z)/i) {
            push @recipients, $1;
            print $client "250 2.1.5 Ok\r\n";
        } elsif ($line =~ /^DATA\z/i) {
            print $client "354 Go on\r\n";
            my $message = read_message($client) // return;
            my $path = "$prefix." . ++$count;
            spew("$path.message", $message);
            spew("$path.envelope", join "\n", $sender, @recipients);
            $path =~ s{.*/}{};
            syswrite $events, "$path\n";
            print $client join '', map { "250 2.0.0 Ok <$_>\r\n" } @recipients;
        } elsif ($line =~ /^QUIT\z/i) {
            print $client "221 2.0.0 Bye\r\n";
            return;
        } else {
            print $client $line =~ /^(?:RSET|NOOP)\b/i ? "250 2.0.0 Ok\r\n" : "502 5.5.1 No\r\n";
        }
    }
}

sub read_message {
    my ($client) = @_;
    my $message = '';

    while (defined(my $line = <$client>)) {
        return $message if $line eq ".\r\n";
        $line =~ s/^\.//;
        $message .= $line;
    }
    return undef;
}

1;
