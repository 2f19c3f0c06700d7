# Tamis::Mta - plays the mail server's side of the milter protocol (version 6), as Postfix does
# SPDX-License-Identifier: BSD-2-Clause
#
#     use lib "$ENV{srcdir}/t/lib";
#     use Tamis::Mta;
#     my $m = Tamis::Mta->connect("inet:8894\@127.0.0.1");        # negotiates; dies if that fails
#     $m->connect_info('mail.example', 4, 40000, '192.0.2.7', '{client_addr}' => '192.0.2.7');
#     $m->helo('mail.example');
#     $m->mail(['<a@b.example>', 'SIZE=100'], '{mail_addr}' => 'a@b.example');
#     my $r = $m->rcpt('<c@d.example>', '{rcpt_addr}' => 'c@d.example');
#     is $r->{text}, '550 5.7.1 <c@d.example>: ...' if $r->{action} eq 'replycode';
#     $m->data(i => '4Qabc');
#     $r = $m->content("Subject: x\n\nbody\n");                   # headers, body, end of message
#     is_deeply [Tamis::Mta::edits($r)], ['addheader X-A: b'];   # the blank is the value's
#     $m->abort;                                                  # Postfix: after each message
#     $m->quit;
#
# connect(SOCKET, OPTIONS): inet:PORT@HOST, inet:HOST:PORT, inet6: alike, unix:PATH, local:PATH,
# /PATH. Options: version (6), actions (0x1ff), steps (0x1fffff): what is offered; timeout: seconds
# to wait for each reply (10); macros: { name => value }; negotiate => 0: only connect, for raw().
#
# Each event returns a reply, a reference to a hash:
#     action    continue accept reject tempfail discard skip replycode shutdown conn_fail
#               none    no reply, as negotiated, or not sent: see `sent`
#               closed  the filter closed the connection    timeout  no reply in time
#               broken  the filter broke the protocol: text says how
#     text      of replycode: what an SMTP client would see (%% is %, a lone % is dropped)
#     mods      list of edits: { op, name, value, index, addr, args, reason, data }, op one of
#               addheader insheader chgheader addrcpt delrcpt chgfrom replbody quarantine
#     progress  how many times the filter asked for patience
#     sent      whether the event was sent at all
# After closed, timeout and broken every event gets the same again.
#
# Macros given with an event (or by macros(NAME => VALUE, ...)) stay set, undef unsets; each stage
# sends those of its list that are set: the filter's list if it named one, else Postfix's.
# No-reply events and the abort stay queued until a reply is needed or DATA or QUIT is sent, as in
# Postfix; flush sends them now. An event that the filter negotiated away, skipped, or accepted is
# not sent; event(LETTER, DATA, force => 1) sends it nevertheless.
#
# Fields to look at: version, actions, steps: as negotiated; symbols: { stage number => list }.
package Tamis::Mta;

use strict;
use warnings;
use Carp qw(croak);
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;
use Socket qw(IPPROTO_TCP MSG_NOSIGNAL TCP_NODELAY);
use Time::HiRes qw(time);

# Letter: step flag that suppresses it, flag that suppresses its reply, stage of its macros.
my %EVENT = (
    C => [0x000001, 0x001000, 0],
    H => [0x000002, 0x002000, 1],
    M => [0x000004, 0x004000, 2],
    R => [0x000008, 0x008000, 3],
    T => [0x000200, 0x010000, 4],
    L => [0x000020, 0x000080, 6],
    N => [0x000040, 0x040000, 6],
    B => [0x000010, 0x080000, 5],
    E => [0x000000, 0x000000, 5],
    U => [0x000100, 0x020000, -1],
);
my $HDR_LEADSPC = 0x100000;

my @PRESET_SYMBOLS = (
    'j {daemon_name} {daemon_addr} v _',
    '{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}',
    'i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}',
    'i {rcpt_addr} {rcpt_host} {rcpt_mailer}',
    'i', 'i', 'i',
);

my %PLAIN = (
    c => 'continue', a => 'accept',   r => 'reject', t => 'tempfail', d => 'discard',
    s => 'skip',     4 => 'shutdown', f => 'conn_fail',
);

# Letter: the edit's name and its fields; + is a number, a trailing ? may be missing, * is the rest.
my %EDIT = (
    h   => ['addheader',  qw(name value)],
    i   => ['insheader',  qw(+index name value)],
    m   => ['chgheader',  qw(+index name value)],
    '+' => ['addrcpt',    qw(addr)],
    2   => ['addrcpt',    qw(addr args?)],
    '-' => ['delrcpt',    qw(addr)],
    e   => ['chgfrom',    qw(addr args?)],
    b   => ['replbody',   qw(*data)],
    q   => ['quarantine', qw(reason)],
);

sub connect {
    my ($class, $socket, %opts) = @_;
    my $self = bless {
        version => 6, actions => 0x1ff, steps => 0x1fffff, timeout => 10, macros => {},
        negotiate => 1, symbols => {}, in => '', out => '', skipped => '', interest => 'all',
        fault => undef, %opts,
    }, $class;
    $self->{macros} = { %{ $self->{macros} } };
    $self->{sock} = _open($socket, $self->{timeout});
    $self->_negotiate($socket) if $self->{negotiate};
    return $self;
}

sub _open {
    my ($name, $timeout) = @_;
    my $sock;
    if ($name =~ m{^(?:unix:|local:)?(/.*|(?<=:).*)}s) {
        $sock = IO::Socket::UNIX->new(Peer => $1);
    } elsif ($name =~ /^inet6?:(?<port>\d+)\@(?<host>.*)$/
        || $name =~ /^inet6?:\[?(?<host>.*?)\]?:(?<port>\d+)$/) {
        my ($host, $port) = @+{qw(host port)};
        $sock = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Timeout => $timeout);
        setsockopt $sock, IPPROTO_TCP, TCP_NODELAY, 1 if $sock;
    } else {
        croak "$name: inet:, inet6:, unix: or local: is needed";
    }
    return $sock // croak "$name: $!";
}

sub _negotiate {
    my ($self, $socket) = @_;
    my ($version, $actions) = @$self{qw(version actions)};
    $self->{out} .= packet('O', pack 'N3', @$self{qw(version actions steps)});
    my ($command, $data) = $self->_take($self->_deadline);
    croak "$socket: no answer to the offer: $data" if !defined $command;
    croak "$socket: no answer to the offer, but '$command'" if $command ne 'O' || length $data < 12;
    (@$self{qw(version actions steps)}, my $lists) = unpack 'N3 a*', $data;
    croak "$socket: the filter wants what was not offered"
        if $self->{version} > $version || $self->{actions} & ~$actions;
    while ($lists =~ /\G(.{4})([^\0]*)\0/gcs) {
        $self->{symbols}{ unpack 'N', $1 } = $2;
    }
    croak "$socket: malformed list of symbols" if (pos($lists) // 0) != length $lists;
    return;
}

# A packet's bytes.
sub packet {
    my ($command, $data) = @_;
    return pack 'N/a*', $command . ($data // '');
}

sub _deadline {
    my ($self) = @_;
    return time + $self->{timeout};
}

# Sends all that is queued; false when the filter is gone or takes nothing in time.
sub flush {
    my ($self) = @_;
    my $deadline = $self->_deadline;
    my $select = IO::Select->new($self->{sock} // return 0);
    while (length $self->{out}) {
        my $left = $deadline - time;
        return 0 if $left <= 0 || !$select->can_write($left);
        my $n = send $self->{sock}, substr($self->{out}, 0, 65536), MSG_NOSIGNAL;
        return 0 if !defined $n && !$!{EINTR};
        substr $self->{out}, 0, $n // 0, '';
    }
    return 1;
}

# The next packet as (command, data), or (undef, closed|timeout|broken).
sub _take {
    my ($self, $deadline) = @_;
    return (undef, 'closed') if !$self->{sock};
    my $select = IO::Select->new($self->{sock});
    $self->flush;
    for (;;) {
        my $len = length $self->{in} >= 4 ? unpack 'N', $self->{in} : 1;
        return (undef, 'broken') if $len == 0 || $len > 1 << 20;
        if (length $self->{in} >= 4 + $len) {
            my $packet = substr $self->{in}, 0, 4 + $len, '';
            return unpack 'x4 a a*', $packet;
        }
        my $left = $deadline - time;
        return (undef, 'timeout') if $left <= 0 || !$select->can_read($left);
        my $n = sysread $self->{sock}, $self->{in}, 65536, length $self->{in};
        return (undef, 'closed') if defined $n ? $n == 0 : !$!{EINTR};
    }
}

sub macros {
    my ($self, %macros) = @_;
    $self->{macros}{$_} = $macros{$_} for keys %macros;
    return;
}

sub _macro_packet {
    my ($self, $letter, $stage) = @_;
    my $list = $stage < 0 ? '' : $self->{symbols}{$stage} // $PRESET_SYMBOLS[$stage];
    my @names = grep { defined $self->{macros}{$_} } split /[, \t\r\n]+/, $list;
    return packet('D', $letter . join '', map { "$_\0$self->{macros}{$_}\0" } @names);
}

sub _wanted {
    my ($self, $letter) = @_;
    return 0 if $self->{interest} eq 'none' || $self->{skipped} eq $letter;
    return $self->{interest} eq 'all' || $letter eq 'H';
}

# One event with the packet's data as it is: for arguments that no method would send.
sub event {
    my ($self, $letter, $data, %opts) = @_;
    my ($no_event, $no_reply, $stage) = @{ $EVENT{$letter} // croak "no event '$letter'" };
    return _reply($self->{fault}, 0) if $self->{fault};
    return _reply('none', 0) if !$opts{force} && !$self->_wanted($letter);
    my $sent = $opts{force} || !($self->{steps} & $no_event);
    $self->{skipped} = '';
    $self->{out} .= $self->_macro_packet($letter, $stage) if $sent || $letter !~ /[LNB]/;
    $self->{out} .= packet($letter, $data) if $sent;
    $self->flush if $letter eq 'T';
    return _reply('none', $sent ? 1 : 0) if !$sent || $self->{steps} & $no_reply;
    my $reply = $self->_read_reply($letter);
    $self->_note($letter, $reply);
    return $reply;
}

sub _reply {
    my ($action, $sent, $text) = @_;
    return { action => $action, sent => $sent, text => $text, mods => [], progress => 0 };
}

sub _read_reply {
    my ($self, $letter) = @_;
    my $reply = _reply(undef, 1);
    while (!defined $reply->{action}) {
        my ($command, $data) = $self->_take($self->_deadline);
        if (defined $command) {
            _add_packet($reply, $letter, $command, $data);
        } else {
            $reply->{action} = $data;
        }
    }
    return $reply;
}

sub _broken {
    my ($reply, $text) = @_;
    @$reply{qw(action text)} = ('broken', $text);
    return;
}

sub _add_packet {
    my ($reply, $letter, $command, $data) = @_;
    return _add_text($reply, $data) if $command eq 'y';
    return _add_edit($reply, $letter, $command, $data) if $EDIT{$command};
    return _broken($reply, "reply '$command' with data") if length $data;
    return $reply->{progress}++ if $command eq 'p';
    return _broken($reply, "unknown reply '$command'") if !$PLAIN{$command};
    return _broken($reply, 'discard at connect or helo') if $command eq 'd' && $letter =~ /[CH]/;
    $reply->{action} = $PLAIN{$command};
    return;
}

sub _add_text {
    my ($reply, $data) = @_;
    return _broken($reply, "malformed reply: $data")
        if $data !~ /^([45])\d\d[ -](?!(?!\1)\d)[^\0]*\0\z/;
    chop $data;
    $data =~ s/%(.?)/$1/gs;
    @$reply{qw(action text)} = ('replycode', $data);
    return;
}

sub _add_edit {
    my ($reply, $letter, $command, $data) = @_;
    my ($op, @fields) = @{ $EDIT{$command} };
    my %mod = (op => $op);
    return _broken($reply, "$op before the end of the message")
        if $letter ne 'E' && $op ne 'quarantine';
    for my $field (@fields) {
        if ($field =~ /^\*(.*)/) {
            $mod{$1} = $data;
            $data = '';
        } elsif ($field =~ /^\+(.*)/) {
            return _broken($reply, "$op too short") if $data !~ s/^(.{4})//s;
            $mod{index} = unpack 'N', $1;
        } elsif ($field !~ /\?$/ || length $data) {
            return _broken($reply, "$op without an end") if $data !~ s/^([^\0]*)\0//;
            my $value = $1;
            $mod{ $field =~ s/\?$//r } = $value;
        }
    }
    return _broken($reply, "$op with too much data") if length $data;
    push @{ $reply->{mods} }, \%mod;
    return;
}

# What a final answer changes for the events to come.
sub _note {
    my ($self, $letter, $reply) = @_;
    my $action = $reply->{action};
    my $early = $letter =~ /[CH]/;
    if ($action =~ /^(?:closed|timeout|broken)$/) {
        $self->{fault} = $action;
    } elsif ($action eq 'skip') {
        $self->{skipped} = $letter;
    } elsif ($action eq 'shutdown' || $early && $action =~ /^(?:accept|reject|tempfail|replycode)$/) {
        $self->{interest} = 'none';
    } elsif ($action =~ /^(?:accept|discard)$/) {
        $self->{interest} = $letter eq 'E' ? 'all' : 'message';
    }
    return;
}

# The family is 4, 6, L (unix) or U (unknown: neither port nor address).
sub connect_info {
    my ($self, $name, $family, $port, $addr, %macros) = @_;
    $self->macros(%macros);
    return $self->event('C', "$name\0U") if $family eq 'U';
    return $self->event('C', "$name\0$family" . pack('n', $port) . "$addr\0");
}

sub helo {
    my ($self, $name, %macros) = @_;
    $self->macros(%macros);
    return $self->event('H', "$name\0");
}

# The address as typed, or a list of it and the ESMTP arguments.
sub mail {
    my ($self, $args, %macros) = @_;
    $self->macros(%macros);
    return $self->event('M', join '', map { "$_\0" } ref $args ? @$args : $args);
}

sub rcpt {
    my ($self, $args, %macros) = @_;
    $self->macros(%macros);
    return $self->event('R', join '', map { "$_\0" } ref $args ? @$args : $args);
}

sub data {
    my ($self, %macros) = @_;
    $self->macros(%macros);
    return $self->event('T', '');
}

# The value is what follows the colon, its leading blank included.
sub header {
    my ($self, $name, $value) = @_;
    $value =~ s/^ // if !($self->{steps} & $HDR_LEADSPC);
    return $self->event('L', "$name\0$value\0");
}

sub eoh {
    my ($self) = @_;
    return $self->event('N', '');
}

# In pieces of 65,535 bytes; line ends as they are (a server sends CRLF).
sub body {
    my ($self, $data) = @_;
    my $reply;
    do {
        $reply = $self->event('B', substr $data, 0, 65535, '');
    } while length $data && $reply->{action} =~ /^(?:continue|none)$/;
    return $reply;
}

sub eom {
    my ($self, %macros) = @_;
    $self->macros(%macros);
    return $self->event('E', '');
}

sub unknown {
    my ($self, $command) = @_;
    return $self->event('U', "$command\0");
}

# A whole mail (lines ending in \n or \r\n) from the first header to the end of the message; stops
# at the first reply that ends it, and returns that.
sub content {
    my ($self, $mail) = @_;
    $mail =~ s/\r?\n/\n/g;
    my ($head, $body) = $mail =~ /^(.*?\n|)\n(.*)/s ? ($1, $2) : ($mail, '');
    my @steps = map { my ($n, $v) = /^([^:]*):(.*)/s; sub { $self->header($n, $v) } }
        split /\n(?![ \t])/, $head;
    $body =~ s/\n/\r\n/g;
    push @steps, sub { $self->eoh };
    push @steps, sub { $self->body($body) } if length $body;
    for my $step (@steps) {
        my $reply = $step->();
        return $reply if $reply->{action} !~ /^(?:continue|none|skip)$/;
    }
    return $self->eom;
}

sub abort {
    my ($self) = @_;
    $self->{skipped} = '';
    return if $self->{fault} || $self->{interest} eq 'none';
    $self->{interest} = 'all';
    $self->{out} .= packet('A');
    return;
}

# Ends the connection.
sub quit {
    my ($self) = @_;
    return 0 if !$self->{sock};
    $self->{out} .= packet('Q');
    my $sent = $self->flush;
    $self->close;
    return $sent;
}

# The connection will be used again: connect_info is next (neither Postfix nor Sendmail does this).
sub quit_nc {
    my ($self) = @_;
    @$self{qw(interest skipped)} = ('all', '');
    $self->{out} .= packet('K');
    return $self->flush;
}

# Without QUIT, as when the server dies.
sub close {
    my ($self) = @_;
    CORE::close delete $self->{sock} if $self->{sock};
    $self->{fault} = 'closed';
    return;
}

# Bytes as they are, then whatever the filter answers within `timeout` seconds. No reply leaves the
# connection usable.
sub raw {
    my ($self, $bytes, %opts) = @_;
    local $self->{timeout} = $opts{timeout} // $self->{timeout};
    $self->{out} .= $bytes;
    return $self->_read_reply('E');
}

# The edits of a reply, one text each, for comparison.
sub edits {
    my ($reply) = @_;
    return map { _edit_text($_) } @{ $reply->{mods} };
}

sub _edit_text {
    my ($mod) = @_;
    my $text = $mod->{op};
    $text .= " $mod->{index}" if exists $mod->{index};
    $text .= " $mod->{name}:$mod->{value}" if exists $mod->{name};
    for my $key (qw(addr args reason data)) {
        $text .= " $mod->{$key}" if exists $mod->{$key};
    }
    return $text;
}

1;
