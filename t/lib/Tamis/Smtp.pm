# Tamis::Smtp - a scripted SMTP client that keeps every reply to the byte
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Smtp;

use strict;
use warnings;

use IO::Select;
use IO::Socket::IP;
use Time::HiRes qw(time);

# Connects to PORT of 127.0.0.1 (or address => …), from the address `local` if given, and reads the
# greeting. timeout: seconds for each reply (30). Dies if there is no connection.
sub new {
    my ($class, $port, %opt) = @_;
    my $address = $opt{address} // '127.0.0.1';
    my $socket = IO::Socket::IP->new(PeerHost => $address, PeerPort => $port, Timeout => 10,
        GetAddrInfoFlags => 0, defined $opt{local} ? (LocalHost => $opt{local}) : ())
        or die "connect to $address:$port: $@\n";
    my $self = bless { socket => $socket, timeout => $opt{timeout} // 30, pending => '',
                       dialogue => [] }, $class;

    binmode $socket;
    push @{ $self->{dialogue} }, ['', $self->reply];
    return $self;
}

# The dialogue so far: a list of [command, reply]; the greeting's command is empty.
sub dialogue { @{ $_[0]{dialogue} } }
sub last_reply { $_[0]{dialogue}[-1][1] }

# Sends bytes as they are.
sub send_raw {
    my ($self, $bytes) = @_;
    my $socket = $self->{socket};
    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $sent = syswrite $socket, $bytes;
        return 0 if !defined $sent;
        substr $bytes, 0, $sent, '';
    }
    return 1;
}

# One whole reply, its lines without CRLF and joined by "\n"; undef when the server closes the
# connection or keeps silent.
sub reply {
    my ($self) = @_;
    my $deadline = time + $self->{timeout};
    my @lines;

    while (1) {
        while ($self->{pending} =~ s/\A(.*?)\r?\n//s) {
            push @lines, $1;
            return join "\n", @lines if $lines[-1] =~ /^\d{3}(?: |\z)/;
        }
        my $left = $deadline - time;
        return $self->silent if $left <= 0 || !IO::Select->new($self->{socket})->can_read($left);
        sysread($self->{socket}, $self->{pending}, 65536, length $self->{pending}) or return undef;
    }
}

# A server that keeps silent is told of: the test that fails of it comes later.
sub silent {
    my ($self) = @_;
    print STDERR "# no reply in $self->{timeout} s, after:\n", map { "#   $_->[0]: " . ($_->[1] // 'nothing') . "\n" } $self->dialogue;
    return undef;
}

# Sends one command line, returns its reply.
sub command {
    my ($self, $command) = @_;
    $self->send_raw("$command\r\n");
    my $reply = $self->reply;
    push @{ $self->{dialogue} }, [$command, $reply];
    return $reply;
}

# Plays another client by Postfix's XCLIENT: name, addr, port, login, reverse_name, helo, proto,
# destaddr, destport; undef is [UNAVAILABLE]. IPv6 addresses are written as usual. EHLO must have
# been said; after it the session is at the greeting again. Returns the reply.
sub xclient {
    my ($self, %attr) = @_;
    for my $address (grep { defined } @attr{ grep { /addr\z/i } keys %attr }) {
        $address = "IPV6:$address" if $address =~ /:/ && $address !~ /^IPV6:/i;
    }
    my @words = map { uc($_) . '=' . (defined $attr{$_} ? xtext($attr{$_}) : '[UNAVAILABLE]') }
        sort keys %attr;
    return $self->command(join ' ', 'XCLIENT', @words);
}

sub xtext {
    my ($text) = @_;
    $text =~ s/([^!-*,-<>-~])/sprintf '+%02X', ord $1/ge;
    return $text;
}

# Sends a message after DATA was answered by 354: any line ends become CRLF, dots are stuffed.
sub message {
    my ($self, $text) = @_;

    $text =~ s/\r?\n/\r\n/g;
    $text .= "\r\n" if $text !~ /\r\n\z/;
    $text =~ s/^\./../mg;
    $self->send_raw("$text.\r\n");
    my $reply = $self->reply;
    push @{ $self->{dialogue} }, ['.', $reply];
    return $reply;
}

# Ends the session, politely or, with `abrupt`, by closing the connection.
sub quit {
    my ($self, $abrupt) = @_;
    $self->command('QUIT') if !$abrupt;
    close $self->{socket};
}

# One whole scene in a session of its own. Options:
#   client   hash for xclient (addr and name usually), or none: the client is 127.0.0.1
#   ehlo     greeting name (client.test.example); helo => name says HELO; undef says nothing
#   mail     the argument of MAIL FROM (<sender@test.example>), brackets and ESMTP words included
#   rcpt     list of arguments of RCPT TO
#   message  its text, or none: the dialogue ends after the recipients
#   port, address, local, timeout as for new
# Returns a hash of replies: greeting, helo, mail, rcpt (list), data, end; `queue_id` where Postfix
# named one; `reply`, the last of mail, rcpt, data, end, by which a one-recipient message was
# accepted or refused; and `dialogue`. DATA is tried only if some recipient was accepted.
sub play {
    my ($class, %scene) = @_;
    my $smtp = $class->new($scene{port}, map { $_ => $scene{$_} }
        grep { exists $scene{$_} } qw(address local timeout));
    my %said = (greeting => $smtp->last_reply, rcpt => []);

    if ($scene{client}) {
        $smtp->command('EHLO harness.test.example');
        $said{greeting} = $smtp->xclient(%{ $scene{client} }) // '';
        $said{greeting} =~ /^(?:220|4|554)/ or die "XCLIENT is answered: $said{greeting}\n";
    }
    $said{helo} = $smtp->say_hello(\%scene);
    $said{mail} = $smtp->command('MAIL FROM:' . ($scene{mail} // '<sender@test.example>'));
    $said{reply} = $said{mail};
    if (accepted($said{mail})) {
        for my $recipient (@{ $scene{rcpt} || ['<recipient@test.example>'] }) {
            push @{ $said{rcpt} }, $said{reply} = $smtp->command("RCPT TO:$recipient");
        }
    }
    $smtp->say_message(\%scene, \%said)
        if defined $scene{message} && grep { accepted($_) } @{ $said{rcpt} };
    $smtp->quit;
    $said{dialogue} = $smtp->{dialogue};
    return \%said;
}

sub say_hello {
    my ($self, $scene) = @_;
    return $self->command("HELO $scene->{helo}") if defined $scene->{helo};
    return undef if exists $scene->{ehlo} && !defined $scene->{ehlo};
    return $self->command('EHLO ' . ($scene->{ehlo} // 'client.test.example'));
}

sub say_message {
    my ($self, $scene, $said) = @_;
    $said->{reply} = $said->{data} = $self->command('DATA');
    return if ($said->{data} // '') !~ /^354/;
    $said->{reply} = $said->{end} = $self->message($scene->{message});
    $said->{queue_id} = $1 if ($said->{end} // '') =~ /queued as ([0-9A-Za-z]+)/;
}

sub accepted { defined $_[0] && $_[0] =~ /^2/ }

1;
