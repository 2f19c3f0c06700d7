#!/usr/bin/perl
# 9-wire - recorded milter sessions, mutated: the filter answers or hangs up, while policies come and go
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IPC::Open2 qw(open2);
use POSIX qw(_exit);
use Test::More;
use Time::HiRes qw(time);
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(in_child slurp spew wait_until);
use Tamis::Live qw(live_filter live_mta play status_of);

# LONG=N: N minutes for each kind of policy. WIRE_SEED=N: the same mutations again.
my $seconds = $ENV{LONG} ? 60 * $ENV{LONG} : 3;
my $seed = $ENV{WIRE_SEED} // 1;
alarm 600 + 5 * $seconds;

sub packet { return pack 'N/a*', $_[0] }

# A list of packets, as Postfix and Sendmail would send them.
sub macros { return packet("D$_[0]" . join '', map { "$_\0" } @_[1 .. $#_]) }
sub offer { return packet('O' . pack 'N3', @_) }
my @HELLO = (offer(6, 0x1ff, 0x1fffff),
    macros('C', 'j', 'mx.example', '{daemon_name}', 'mx', '{client_name}', 'mail.example', '{client_port}', '40000'),
    packet("Cmail.example\0" . '4' . pack('n', 40000) . "192.0.2.7\0"),
    macros('H', '{tls_version}', 'TLSv1.3', '{cert_subject}', 'x'), packet("Hmail.example\0"));
my @ENVELOPE = (macros('M', 'i', '4Qabc', '{auth_authen}', 'joe', '{mail_addr}', 'a@b.example'),
    packet("M<a\@b.example>\0SIZE=100\0"), macros('R', '{rcpt_addr}', 'bob@example.org'), packet("R<bob\@example.org>\0"));
my @RCPTS = map { (macros('R', '{rcpt_addr}', "$_\@example.org"), packet("R<$_\@example.org>\0")) }
    qw(hold prep bcc redir reject defer discard);
my @CONTENT = (macros('T', 'i', '4Qabc'), packet('T'), (map { (macros('L', 'i', '4Qabc'), packet($_)) }
        "LSubject\0 xx\0", "LX-Pre\0 a\n\tb\0", "LX-Pre\0b\0", "LFrom\0 <a\@b.example>\0", "LX-Rep\0 z\0",
        "LContent-Type\0 multipart/mixed; boundary=b\0", "LDKIM-Signature\0 v=1; d=b.example; s=s; b=x; h=from\0",
        "LAuthentication-Results\0 mx.example; spf=pass\0"),
    macros('N', 'i', '4Qabc'), packet('N'), packet("B--b\r\nContent-Type: text/plain\r\nX-Pre: p\r\n\r\nbad\r\n"),
    packet("B--b\r\n\r\nmore\r\n--b--\r\n"), macros('E', 'i', '4Qabc'), packet('E'), packet('A'));
my @sessions = (
    [@HELLO, @ENVELOPE, @CONTENT, packet('Q')],
    [@HELLO, @ENVELOPE, @RCPTS, @CONTENT, @ENVELOPE, @CONTENT, packet('Q')],
    [@HELLO, @ENVELOPE, packet('A'), @ENVELOPE, packet('T'), packet('A'), @ENVELOPE, @CONTENT, packet('Q')],
    [@HELLO, @ENVELOPE, @CONTENT, packet('K'), @HELLO[1 .. 4], @ENVELOPE, @RCPTS, @CONTENT, packet('K'), packet('Q')],
    [@HELLO[0 .. 2], packet("Cx\0U"), @ENVELOPE, packet("Uvrfy x\0"), @CONTENT, packet('Q')],
    [offer(2, 0x3f, 0x7f), packet("Clocalhost\0" . "4\0\0127.0.0.1\0"), packet("Hlocalhost\0"), packet("M\0"), packet("Rbob\0"),
        @CONTENT, packet('Q')],
);
my @WORDS = ("\0", "\n", "\r", '<', '>', '@', '"', '%', "\xff", "\xc3\xa9", '{', '=', ';', ':', '(', '[', 'x' x 5000,
    "\0\0", '<>', '%s', '=?utf-8?q?x?=', "\r\n.\r\n", '--b', 'b=', 'reject@example.org', '127.0.0.1', '2001:db8::1');

sub cut { return int rand length($_[0]) + 1 }

# One packet, changed inside; its length stays right.
sub change_inside {
    my ($packet) = @_;
    my $text = substr $packet, 4;
    my $at = cut($text);
    my $how = int rand 5;
    substr($text, $at, 1) = chr int rand 256 if $how == 0;
    substr($text, $at, 0) = $WORDS[rand @WORDS] if $how == 1;
    substr($text, $at) = '' if $how == 2;
    substr($text, $at, 0) = substr $text, cut($text), int rand 20 if $how == 3;
    substr($text, 0, 1) = substr 'ABCDEHKLMNOQRTUx', rand 16, 1 if $how == 4 && length $text;
    return packet($text);
}

# Bytes for the wire: a session with some changes.
sub mutate {
    my @packets = @{ $sessions[rand @sessions] };
    for (1 .. int rand 5) {
        my $at = int rand @packets;
        my $how = int rand 12;
        if ($how < 6)     { $packets[$at] = change_inside($packets[$at]) }
        elsif ($how == 6) { splice @packets, $at, 1 if @packets > 1 }
        elsif ($how == 7) { splice @packets, $at, 0, $packets[rand @packets] }
        elsif ($how == 8) { @packets[$at, 0] = @packets[0, $at] if rand() < 0.2 }
        elsif ($how == 9) { splice @packets, $at, 0, ($packets[$at]) x rand 50 }
        elsif ($how == 10) { $packets[0] = offer(int rand 8, int rand 0x400, int rand 0x400000) }
        else              { substr($packets[$at], 0, 4) = pack 'N', (0, 1, 65536, 65537, 1 << 20, 0xffffffff)[rand 6] if rand() < 0.3 }
    }
    my $bytes = join '', @packets;
    substr($bytes, cut($bytes)) = '' if rand() < 0.3;
    return $bytes;
}

# What is wrong with what the filter sent; nothing: ''.
sub fault {
    my ($bytes) = @_;
    while (length $bytes) {
        my ($len) = length $bytes >= 4 ? unpack 'N', $bytes : return '';
        return "packet of $len bytes" if $len == 0 || $len > 1 << 17;
        return '' if length $bytes < 4 + $len;
        my ($command, $data) = unpack 'x4 a a*', substr $bytes, 0, 4 + $len, '';
        return "unknown packet $command" if $command !~ /^[Oacrtdsy4fhimbqe2+p-]$/;
        return "reply $data" if $command eq 'y' && $data !~ /^([45])\d\d \1[.]\d+[.]\d+ [^\0-\x1f\x7f]*\0\z/;
        return "field $data" if $command =~ /[him]/ && $data !~ /^(?:.{4})?[!-9;-~]+\0[^\r\0]*\0\z/s;
        return "recipient $data" if $command =~ /[2+-]/ && $data !~ /^[^\0]+\0(?:NOTIFY=NEVER\0)?\z/;
    }
    return '';
}

# Sends them in pieces of any size, and then no more; returns all that comes back, undef when the filter
# neither answers nor hangs up.
sub converse {
    my ($port, $bytes) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 60) or return undef;
    my $select = IO::Select->new($socket);
    my ($got, $until) = ('', time + 60);
    my $step = rand() < 0.1 ? 1 : rand() < 0.5 ? 1 + int rand 100 : 1 << 16;
    while (length $bytes) {
        defined syswrite $socket, substr($bytes, 0, $step, '') or last;
        sysread $socket, $got, 65536, length $got while $select->can_read(0) && !eof_of($socket);
        last if eof_of($socket);
    }
    return $got if rand() < 0.1;
    shutdown $socket, 1;
    while (time < $until) {
        next unless $select->can_read(1);
        my $n = sysread $socket, $got, 65536, length $got;
        return $got if !$n;
    }
    return undef;
}

sub eof_of {
    my ($socket) = @_;
    my $ahead = recv $socket, my $byte, 1, MSG_PEEK_DONTWAIT();
    return defined $ahead ? !length $byte : !$!{EAGAIN};
}

sub MSG_PEEK_DONTWAIT { return Socket::MSG_PEEK() | Socket::MSG_DONTWAIT() }

# In a process of its own: until the time is over. Ends with 0 if nothing was wrong.
sub attack {
    my ($filter, $number, $until) = @_;
    my $pid = fork() // die "fork: $!\n";
    return $pid if $pid;
    in_child();
    srand $number;
    my $count = 0;
    for (; time < $until; $count++) {
        my $bytes = mutate();
        my $answer = converse($filter->{port}, $bytes);
        my $wrong = defined $answer ? fault($answer) : 'neither an answer nor an end';
        next if $wrong eq '';
        spew($filter->dir . "/wrong.$number", "seed $number, session $count: $wrong\n" . unpack('H*', $bytes) . "\n");
        _exit(1);
    }
    spew($filter->dir . "/count.$number", $count);
    _exit(0);
}

my $HEADERS = "/^Subject: (.*)x/ REPLACE Subject: \$1 y\n/^X-Pre:\\s*(.*)/ PREPEND X-New: \$1\n/^X-Rep:/ IGNORE\n"
    . "/^X(.*):/ WARN \$1\n/b(.*)d/ HOLD \$1\n/%(.*)/ REJECT 4.7.1 \$1\n";
my %files = (checks => $HEADERS);
# A name server that knows nothing.
my $pid = open2(my $from, my $to, $^X, "-I$ENV{srcdir}/t/lib", '-MTamis::Dns', '-e', 'Tamis::Dns::main', '/dev/null');
chomp(my $dns = <$from>);

my @kinds = (
    ['lists alone', ''],
    ['content, too', "header_checks = pcre:checks\nbody_checks = pcre:checks\nlog_mta_rejects = yes\nrecipient_delimiter = +-\n"],
    ['answers at once', "delay_reject = no\nhelo_required = yes\nheader_checks = pcre:checks\n"
        . "sender_restrictions = reject_non_fqdn_sender\n"],
    ['annotations', "body_checks = pcre:checks\ndns_servers = 127.0.0.1\@$dns\n", 'iprev, spf, dkim'],
);
for my $kind (@kinds) {
    my ($name, $conf, $annotates) = @$kind;
    my $filter = live_filter(files => \%files, conf => $conf,
        set => { reload_on_change => 'no', myhostname => 'mx.example', authentication_results => $annotates // '' });
    my $until = time + $seconds;
    my @pids = map { attack($filter, 1000 * $seed + $_, $until) } 1 .. 3;
    for (my $round = 0; time < $until; $round++) {
        spew($filter->dir . '/checks', $round % 2 ? $HEADERS : "/^X-Pre:/ PREPEND X-Other: b\n");
        $filter->signal('USR1');
        select undef, undef, undef, 0.2;
    }
    my $failed = 0;
    for my $child (@pids) {
        waitpid $child, 0;
        $failed++ if $?;
    }
    is $failed, 0, "$name: whatever came was answered or hung up on"
        or diag map { slurp($_) } glob $filter->dir . '/wrong.*';
    my $count = 0;
    $count += slurp($_) for glob $filter->dir . '/count.*';
    diag "$name: $count sessions";
    is $filter->ended, undef, "$name: the filter runs";
    ok wait_until(60, sub { my $s = status_of($filter); !$s->{connections}{now} && !$s->{messages}{under_way} }),
        "$name: nothing is left of them";
    my $mta = live_mta($filter);
    is +(play($mta, '<bob@example.org>'))[0]{action}, 'continue', "$name: the next message passes";
    $mta->quit;
    is $filter->stop, 0, "$name: ends";
    unlike $filter->stderr, qr/Sanitizer|runtime error/, "$name: no sanitizer spoke" or diag $filter->stderr =~ /(.{0,3000}Sanitizer.{0,4000})/s;
}

close $to;
waitpid $pid, 0;

done_testing;
