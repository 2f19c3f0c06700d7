#!/usr/bin/perl
# 1-mta-perl - the mail server that the scripted tests play, against a filter that does nothing
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use lib "$ENV{srcdir}/t/lib";
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use Test::More;
use Tamis::Mta;

alarm 60;
my $dir = tempdir(CLEANUP => 1);
my %pids;
END { local $?; kill 'KILL', keys %pids if %pids }

sub start_filter {
    my ($name, @options) = @_;
    my $pid = open my $out, '-|', "$ENV{builddir}/t/bench/null_filter", '--socket',
        "unix:$dir/$name", @options or die "null_filter: $!";
    $pids{$pid} = $out;
    is scalar <$out>, "ready\n", "filter $name is ready";
    return "unix:$dir/$name";
}

# A filter that says what the test wants: each packet is answered with the next text.
sub start_puppet {
    my ($name, @answers) = @_;
    my $listener = IO::Socket::UNIX->new(Local => "$dir/$name", Listen => 1) or die "$name: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my $sock = $listener->accept;
        for my $answer (@answers) {
            my ($packet, $kind) = ('', 'D');
            while ($kind eq 'D') {
                sysread $sock, $packet, 5 or last;
                (my $len, $kind) = unpack 'N a', $packet;
                sysread $sock, $packet, $len - 1 if $len > 1;
            }
            syswrite $sock, $answer;
        }
        sleep 60 if $name eq 'mute';
        kill 'KILL', $$;
    }
    $pids{$pid} = 1;
    return "unix:$dir/$name";
}

my $terms = Tamis::Mta::packet('O', pack 'N3', 6, 0x1ff, 0);
sub one_answer {
    my ($name, @answers) = @_;
    my $m = Tamis::Mta->connect(start_puppet($name, $terms, @answers), timeout => 5);
    return ($m, $m->eom);
}

# Filter A answers everything.
my $m = Tamis::Mta->connect(start_filter('a', '--mode', 'A'));
is $m->{version}, 6, 'version';
is $m->{steps}, 0, 'it wants everything and answers everything';
is $m->connect_info('mail.example', 4, 25, '192.0.2.7')->{action}, 'continue', 'connect';
is $m->helo('mail.example')->{action}, 'continue', 'helo';
is $m->mail(['<a@b.example>', 'SIZE=1'])->{action}, 'continue', 'mail';
is $m->rcpt('<c@d.example>')->{action}, 'continue', 'rcpt';
is $m->unknown('XYZZY')->{action}, 'continue', 'unknown';
is $m->data->{action}, 'continue', 'data';
is $m->header('Subject', ' x')->{action}, 'continue', 'header';
is $m->eoh->{action}, 'continue', 'eoh';
is $m->body("x\r\n" x 40_000)->{action}, 'continue', 'body in two pieces';
is $m->eom->{action}, 'continue', 'eom';
$m->abort;
is $m->mail('<>')->{action}, 'continue', 'a second message';
$m->rcpt('<c@d.example>');
$m->data(i => '4Qabc');
is $m->content("A: b\nC: d\n  e\n\nbody\n")->{action}, 'continue', 'a whole mail';
# libmilter takes this only straight after an end of message that was answered with continue.
ok $m->quit_nc, 'quit, a new connection follows';
is $m->connect_info('localhost', 'U')->{action}, 'continue', 'connect again, family unknown';
ok $m->quit, 'quit';
is $m->helo('x')->{action}, 'closed', 'nothing after quit';

# Filter B: nothing but RCPT and the end of message, HELO without reply.
$m = Tamis::Mta->connect(start_filter('b', qw(--mode B --actions 0x1 --steps 0x102375),
    '--symbols', '3=i {rcpt_addr}'));
is $m->{actions}, 1, 'actions as negotiated';
is $m->{steps}, 0x102375, 'steps as negotiated';
is_deeply $m->{symbols}, { 3 => 'i {rcpt_addr}' }, 'lists of symbols';
my $r = $m->connect_info('mail.example', 6, 25, '2001:db8::1');
is_deeply [@$r{qw(action sent)}], ['none', 0], 'connect is not wanted';
$r = $m->helo('mail.example');
is_deeply [@$r{qw(action sent)}], ['none', 1], 'helo is sent, and not answered';
is $m->rcpt('<c@d.example>')->{action}, 'continue', 'rcpt is answered';
is $m->header('A', ' b')->{sent}, 0, 'headers are not wanted';
is $m->eom->{action}, 'continue', 'eom';
ok $m->quit, 'quit';

# Replies.
my %replies = (
    a => 'accept', r => 'reject', t => 'tempfail', d => 'discard', 4 => 'shutdown',
    f => 'conn_fail', c => 'continue',
);
for my $letter (sort keys %replies) {
    (undef, $r) = one_answer("reply-$letter", Tamis::Mta::packet($letter));
    is $r->{action}, $replies{$letter}, "reply $letter";
}
(undef, $r) = one_answer('text', Tamis::Mta::packet('y', "550 5.7.1 100%% %x\0"));
is_deeply [@$r{qw(action text)}], ['replycode', '550 5.7.1 100% x'], 'a reply of its own';
for my $bad ("550\0", "250 2.0.0 fine\0", "550 4.7.1 x\0", '550 5.7.1 x') {
    (undef, $r) = one_answer('bad' . unpack('H*', $bad), Tamis::Mta::packet('y', $bad));
    is $r->{action}, 'broken', 'malformed: ' . $bad =~ s/\0/\\0/r;
}
(undef, $r) = one_answer('edits', join '', map { Tamis::Mta::packet(@$_) }
    ['p'], [h => "A\0 b\0"], [i => "\0\0\0\1C\0 d\0"], [m => "\0\0\0\2E\0\0"], ['+' => "<f\@g>\0"],
    [2 => "<h\@i>\0NOTIFY=NEVER\0"], ['-' => "<j\@k>\0"], [q => "because\0"], [e => "<>\0"],
    [b => 'text'], ['c']);
is $r->{action}, 'continue', 'edits, then continue';
is $r->{progress}, 1, 'one request for patience';
is_deeply [Tamis::Mta::edits($r)], [
    'addheader A: b', 'insheader 1 C: d', 'chgheader 2 E:', 'addrcpt <f@g>',
    'addrcpt <h@i> NOTIFY=NEVER', 'delrcpt <j@k>', 'quarantine because', 'chgfrom <>',
    'replbody text',
], 'all edits';
($m, $r) = one_answer('closes');
is $r->{action}, 'closed', 'a filter that goes away';
is $m->eom->{action}, 'closed', 'it stays away';
$m = Tamis::Mta->connect(start_puppet('mute', $terms), timeout => 0.2);
is $m->eom->{action}, 'timeout', 'a filter that says nothing';
$m = Tamis::Mta->connect(start_puppet('zero', $terms, "\0\0\0\0"), timeout => 5);
is $m->eom->{action}, 'broken', 'a packet of length 0';
ok !eval { Tamis::Mta->connect("unix:$dir/nobody"); 1 }, 'nobody there';

done_testing;
