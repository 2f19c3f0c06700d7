#!/usr/bin/perl
# 6-dkim - signing and verifying in the live filter: any pieces of body, slow keys, many messages, hostile mail
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use lib "$ENV{srcdir}/t/lib";
use IPC::Open2 qw(open2);
use POSIX qw(_exit);
use Tamis::Filter;
use Tamis::Guard qw(in_child run_command slurp spew temp_dir wait_until);
use Tamis::Mta;
use Test::More;
use Time::HiRes qw(time);

alarm 240;
srand 6376;

my $dir = temp_dir();
my $tamis = $ENV{TAMIS} // './tamis';
for my $selector (qw(k dead late)) {
    my ($status, undef, $err) = run_command([$tamis, 'dkim', 'genkey', '-d', 'sign.example', '-s', $selector, '-t', 'both', '-D', $dir]);
    is $status, 0, 'keys' or diag $err;
}

# The key of selector `dead` is known to nobody who answers, those of `late` to somebody who takes his time.
my $script = '';
for my $selector (qw(k k-ed25519 dead dead-ed25519 late late-ed25519)) {
    my $strings = join ' ', slurp("$dir/$selector.txt") =~ /("[^"]*")/g;
    my $answer = $selector =~ /^dead/ ? 'silence' : $selector =~ /^late/ ? "until=$dir/now $strings" : $strings;
    $script .= "$selector._domainkey.sign.example TXT $answer\n";
}
spew("$dir/script", "$script*.none.example TXT nxdomain\n");
my $pid = open2(my $from, my $to, $^X, "-I$ENV{srcdir}/t/lib", '-MTamis::Dns', '-e', 'Tamis::Dns::main', "$dir/script", "$dir/asked");
chomp(my $port = <$from>);

sub filter {
    my (%set) = @_;
    return Tamis::Filter->new(files => { hc => "/^Subject: (old.*)/ REPLACE Subject: [\$1]\n/^X-Gone:/ IGNORE\n/^X-Bad:/ REJECT no\n" },
        conf => "header_checks = regexp:hc\n",
        set => {
            mode => 'enforce', dns_servers => "127.0.0.1\@$port", myhostname => 'mx.test.example', mynetworks => '10.0.0.0/8',
            authentication_results => 'dkim', stage_time_limit => '10s', log_message_id => 'no',
            signing_key => "sign.example:k:$dir/k.private, sign.example:k-ed25519:$dir/k-ed25519.private",
            %set,
        })->start;
}

sub mta {
    my ($filter, $client) = @_;
    my $mta = Tamis::Mta->connect($filter->milter, timeout => 60);
    $mta->connect_info('h.example', 4, 40000, $client);
    $mta->helo('h.example');
    return $mta;
}

sub envelope {
    my ($mta) = @_;
    $mta->mail('<a@sign.example>', '{mail_addr}' => 'a@sign.example');
    $mta->rcpt('<u@test.example>');
    $mta->data(i => '4QabcD1');
}

sub headers {
    my ($mta, $mail) = @_;
    my ($head) = $mail =~ /\A(.*?\n)\n/s;
    $mta->header(/^([^:]*):(.*)/s) for split /\n(?![ \t])/, $head;
    return $mta->eoh;
}

# A whole mail; its body in pieces of at most `piece` octets, by chance. The reply to its end.
sub play {
    my ($mta, $mail, $piece) = @_;
    envelope($mta);
    headers($mta, $mail);
    my $body = ($mail =~ /\A.*?\n\n(.*)\z/s)[0] =~ s/(?<!\r)\n/\r\n/gr;
    while (length $body) {
        my $reply = $mta->event('B', substr $body, 0, 1 + int rand($piece // 65535), '');
        last if $reply->{action} eq 'skip';
        return $reply if $reply->{action} !~ /^(?:continue|none)$/;
    }
    my $reply = $mta->eom;
    $mta->abort;
    return $reply;
}

# The mail with the fields that were put on top of it; nothing else may have been done.
sub signed {
    my ($reply, $mail) = @_;
    my @fields = map { $_->{op} eq 'insheader' ? "$_->{name}:$_->{value}\n" : die "$_->{op} of $_->{name}" } @{ $reply->{mods} };
    return join('', reverse @fields) . $mail;
}

# "pass pass", from the one field that came; '' for none.
sub verdict {
    my ($reply) = @_;
    my @fields = grep { lc $_->{name} eq 'authentication-results' && length $_->{value} } @{ $reply->{mods} };
    return $reply->{action} if $reply->{action} ne 'continue';
    return join ' ', scalar(@fields) > 1 ? scalar @fields : (), map { $_->{value} =~ /^\tdkim=(\w+)/mg } @fields;
}

my $filter = filter();
my ($ours, $theirs) = (mta($filter, '10.0.0.1'), mta($filter, '192.0.2.1'));
my $mail = "From: a\@sign.example\nTo: u\@test.example\nSubject: s\n\nbody\n";

# --- bodies, in any pieces
my $long = join '', map { 'x' x (1 + int rand 120) . (' ', "\t", '')[rand 3] . "\n" } 1 .. 300;
my %body = (none => '', 'a line' => "a\n", 'no end' => "a\nb", 'blank lines' => "\n\n \t\n\n", 'blank lines behind' => "a\n\n\n\n",
    blanks => "a  b \t\n \t c\n", '8-bit' => "\xe4\xff\xc3\n", dots => ".\n..\n", 'CR at the end' => "a\r\r\n", 'CR alone' => "\r\r\n", 'CR last' => "a\r", 'long line' => 'y' x 70000 . "\n",
    long => $long);
for my $name (sort keys %body) {
    my $text = "From: a\@sign.example\nSubject: s\n\n$body{$name}";
    for my $piece (1, 7, 65535) {
        next if $piece == 1 && length $text > 2000;
        my $reply = play($ours, $text, $piece);
        my $signed = signed($reply, $text);
        is scalar(@{ $reply->{mods} }), 2, "$name: signed twice, pieces up to $piece" or next;
        is verdict(play($theirs, $signed, $piece)), 'pass pass', "$name: both good, pieces up to $piece";
    }
}
my $large = "From: a\@sign.example\nSubject: large\n\n" . join '', map { "$_ " . 'z' x 70 . "\n" } 1 .. 70000;
my $signed = signed(play($ours, $large), $large);
is verdict(play($theirs, $signed)), 'pass pass', '5 MB';
is verdict(play($theirs, "$signed.")), 'fail fail', '5 MB and one octet';

# --- who needs the body
sub first_chunk {
    my ($mta, $text) = @_;
    envelope($mta);
    headers($mta, $text);
    my $reply = $mta->event('B', "body\r\n");
    my $end = $mta->eom;
    $mta->abort;
    return ($reply->{action}, $end);
}
my $good = signed(play($ours, $mail), $mail);
is +(first_chunk($theirs, $mail))[0], 'skip', 'not signed: nobody wants the body';
is verdict((first_chunk($theirs, $mail))[1]), 'none', 'and the result is none';
is +(first_chunk($theirs, "DKIM-Signature: v=1; nonsense\n$mail"))[0], 'skip', 'malformed: nobody wants it';
is verdict((first_chunk($theirs, "DKIM-Signature: v=1; nonsense\n$mail"))[1]), 'permerror', 'and the result is permerror';
is +(first_chunk($theirs, $good))[0], 'continue', 'signed: it is wanted';
is +(first_chunk($ours, $mail))[0], 'continue', 'to be signed: it is wanted';
is +(first_chunk($ours, $mail =~ s/sign\.example/none.example/r))[1]{action}, 'continue', 'no key for it: it goes out';

# --- one after the other, broken off anywhere
is verdict(play($theirs, $good)), 'pass pass', 'a good one';
is verdict(play($theirs, $mail)), 'none', 'then one without';
is verdict(play($theirs, $good =~ s/^Subject: s/Subject: t/mr)), 'fail fail', 'then an altered one';
is verdict(play($theirs, "X-Bad: 1\n$good")), 'replycode', 'then a refused one';
for my $until (qw(header eoh body)) {
    for my $mta ($ours, $theirs) {
        envelope($mta);
        $mta->header(/^([^:]*):(.*)/s) for split /\n(?![ \t])/, ($good =~ /\A(.*?\n)\n/s)[0];
        $mta->eoh if $until ne 'header';
        $mta->event('B', "bo") if $until eq 'body';
        $mta->abort;
    }
    is verdict(play($theirs, $good)), 'pass pass', "broken off at $until, then a good one";
    is signed(play($ours, $mail), $mail) =~ tr/\n//, $good =~ tr/\n//, 'and one to be signed';
}

# --- the header as it will be delivered
my $odd = "From: a\@sign.example\nX-Gone: 1\nSubject: old\nAuthentication-Results: mx.test.example; dkim=pass\n\nbody\n";
my $delivered = "From: a\@sign.example\nSubject: [old]\n\nbody\n";
my @edits = Tamis::Mta::edits(my $reply = play($ours, $odd));
is_deeply [map { s/^(insheader 0 DKIM-Signature: ).*/$1/sr } @edits],
    ['chgheader 1 Authentication-Results:', 'chgheader 1 Subject: [old]', 'chgheader 1 X-Gone:', ('insheader 0 DKIM-Signature: ') x 2],
    'first the edits, then the signatures';
like $edits[-1], qr/a=rsa-sha256/, 'the RSA key on top';
$reply->{mods} = [grep { $_->{op} eq 'insheader' } @{ $reply->{mods} }];
is verdict(play($theirs, signed($reply, $delivered))), 'pass pass', 'over what will be delivered';
my $asked = slurp("$dir/asked");

# --- keys are asked for while the body comes
my $early = filter(mode => 'annotate');
my $mta = mta($early, '192.0.2.1');
my $lines = $asked =~ tr/\n//;
envelope($mta);
headers($mta, $good);
$mta->event('B', "bo");
$mta->flush;
ok wait_until(20, sub { (() = slurp("$dir/asked") =~ /_domainkey/g) > (() = $asked =~ /_domainkey/g) + 1 }),
    'both keys are asked for before the body is there';
$mta->event('B', "dy\r\n");
is verdict($mta->eom), 'pass pass', 'and are good';
$mta->abort;
my $annotated = mta($early, '10.0.0.1');
$reply = play($annotated, $odd);
is_deeply [map { s/^(insheader 0 DKIM-Signature: ).*/$1/sr } Tamis::Mta::edits($reply)],
    ['chgheader 1 Authentication-Results:', ('insheader 0 DKIM-Signature: ') x 2], 'annotate: signatures, and no edits of rules';
$reply->{mods} = [grep { $_->{op} eq 'insheader' } @{ $reply->{mods} }];
is verdict(play($mta, signed($reply, $odd =~ s/^Auth.*\n//mr))), 'pass pass', 'annotate: over the header as it stays';
is verdict(play($mta, signed(play($annotated, "X-Bad: 1\n$mail"), "X-Bad: 1\n$mail"))), 'pass pass', 'annotate: one that would be refused is signed, too';
is $early->stop, 0, 'ends';
my $observing = filter(mode => 'observe');
is_deeply [Tamis::Mta::edits(play(mta($observing, '10.0.0.1'), $mail))], [], 'observe: nothing is signed';
is_deeply [Tamis::Mta::edits(play(mta($observing, '192.0.2.1'), $good))], [], 'observe: nothing is told';
is $observing->stop, 0, 'ends';

# --- keys that do not come: the mail does
sub signed_with {
    my ($selector) = @_;
    my $signer = filter(mode => 'annotate',
        signing_key => "sign.example:$selector:$dir/$selector.private, sign.example:$selector-ed25519:$dir/$selector-ed25519.private");
    my $signed = signed(play(mta($signer, '10.0.0.1'), $mail), $mail);
    is $signer->stop, 0, 'ends';
    is scalar(() = $signed =~ /s=$selector(?:-ed25519)?;/g), 2, "signed with keys that nobody can ask for, $selector";
    return $signed;
}
my ($late, $dead) = map { signed_with($_) } qw(late dead);
envelope($theirs);
headers($theirs, $late);
my $before = () = slurp("$dir/asked") =~ /late/g;
$theirs->event('B', "body\r\n");
$theirs->flush;
ok wait_until(20, sub { (() = slurp("$dir/asked") =~ /late/g) >= $before + 2 }), 'they are asked for';
spew("$dir/now", '');
is verdict($theirs->eom), 'pass pass', 'answers that come late';
$theirs->abort;
my $slow = filter(stage_time_limit => '1s', end_of_data_restrictions => 'warn_if_reject reject_dkim_temperror', dns_timeout => '30s',
    signing_key => '');
$mta = mta($slow, '192.0.2.1');
my $begun = time;
is verdict(play($mta, $dead)), 'temperror temperror', 'no answer: temperror, and the mail is taken';
my $took = time - $begun;
ok $took >= 0.9, 'after stage_time_limit' or diag $took;
cmp_ok $took, '<', 15, 'and not after dns_timeout';
is verdict(play($mta, $good . '!')), 'fail fail', 'the next one is judged';
is $slow->stop, 0, 'ends';

# --- hostile mail: one field, which says nothing that somebody else wrote
my ($b) = $good =~ /\n\tb=(.*?)\n(?!\t)/s;
my $tags = 'v=1; a=rsa-sha256; c=relaxed/relaxed; d=evil.example; s=k; bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=';
my @forged = map { "$_\n" } 'Authentication-Results: mx.test.example; dkim=pass header.d=bank.example',
    'AUTHENTICATION-results: (c) "MX.Test.example"/1 2; dkim=pass', "Authentication-Results:\n mx.test.example\n ; dkim=pass; foo",
    'Authentication-Results: mx.test.example; dkim=pass header.d=bank.example' . ' x' x 3000, 'Authentication-Results: mx.test.example;;;"',
    'Authentication-Results : mx.test.example; dkim=pass';
my %hostile = (
    'h= longer than the header' => ["DKIM-Signature: $tags; h=from:to:subject:dkim-signature:x; b=$b\n", 'permerror'],
    'h= far longer than the header' => ["DKIM-Signature: $tags; h=from" . ':to' x 1000 . "; b=$b\n", 'permerror'],
    'h= of 60,000 octets' => ["DKIM-Signature: $tags; h=from" . ':to' x 20000 . "; b=$b\n", 'permerror'],
    'i= with a semicolon' => ["DKIM-Signature: $tags; i=x=3B=20dkim=3Dpass=20header.d=3Dbank.example\@evil.example; h=from; b=$b\n", 'permerror'],
    'i= with a line break' => ["DKIM-Signature: $tags; i=x=0D=0AX-Evil:=20y\@evil.example; h=from; b=$b\n", 'permerror'],
    'i= that ends in =' => ["DKIM-Signature: $tags; i=\@evil.example=; h=from; b=$b\n", 'permerror'],
    's= with a comment' => ["DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=k(x; h=from; bh=MTI=; b=$b\n", 'permerror'],
    'd= that is two' => ["DKIM-Signature: v=1; a=rsa-sha256; d=evil.example(.bank.example; s=k; h=from; bh=MTI=; b=$b\n", 'permerror'],
    'nonsense' => ["DKIM-Signature: =foo\n", 'permerror'],
    'nothing' => ["DKIM-Signature:\n", 'permerror'],
    '60 kB' => ["DKIM-Signature: $tags; h=from; b=" . 'A' x 60000 . "\n", 'permerror'],
    '60 kB of folds' => ["DKIM-Signature: $tags; h=from; b=" . "\n\tAAAAAAAA" x 6000 . "\n", 'permerror'],
    '60 kB of tags' => ['DKIM-Signature: ' . 'a=1;' x 15000 . "\n", 'permerror'],
    '100 signatures' => [join('', map { "DKIM-Signature: $tags; s=s$_; h=from; l=$_; b=$b\n" =~ s/s=k; //r } 1 .. 100), undef],
    '100 and a good one below' => [join('', map { "DKIM-Signature: $tags; h=from; l=$_; b=$b\n" } 1 .. 100), undef],
);
for my $name (sort keys %hostile) {
    my ($fields, $want) = @{ $hostile{$name} };
    my $reply = play($theirs, join('', @forged) . $fields . join('', @forged) . $mail);
    my @mods = @{ $reply->{mods} };
    is $reply->{action}, 'continue', "$name: the mail is taken";
    is scalar(grep { !length $_->{value} } @mods), 2 * @forged, "$name: all forged fields go";
    my @added = grep { length $_->{value} } @mods;
    is scalar(@added), 1, "$name: one field comes";
    is verdict($reply), $want, "$name: its result" if defined $want;
    unlike $added[0]{value}, qr/pass|bank|X-Evil|[^\n\t\x20-\x7e]|\n(?!\t)/, "$name: nothing of theirs in it";
}
my ($rsa) = $good =~ /\A(DKIM-Signature:.*?\n)(?!\t)/s;
like verdict(play($theirs, $hostile{'100 and a good one below'}[0] . $rsa . $mail)), qr/^(?!.*\bpass\b.*\bpass\b).*$/s, '100 bad ones above: at most one passes';
is verdict(play($theirs, $hostile{nonsense}[0] . $good)), 'permerror pass pass', 'a malformed one above good ones';
is verdict(play($theirs, $good)), 'pass pass', 'and the next mail is as good as ever';

# --- many at once
my @children;
for my $n (1 .. 6) {
    my $child = fork() // die "fork: $!";
    if ($child == 0) {
        in_child();
        my $bad = 0;
        for my $round (1 .. 4) {
            my ($out, $in) = (mta($filter, '10.0.0.1'), mta($filter, '192.0.2.1'));
            for my $m (1 .. 5) {
                my $text = $mail =~ s/^body/body $n $round $m/mr;
                my $signed = signed(play($out, $text), $text);
                $bad++ if verdict(play($in, $signed, 9)) ne 'pass pass' || verdict(play($in, "$signed.")) ne 'fail fail';
            }
            $_->quit for $out, $in;
        }
        _exit($bad > 255 ? 255 : $bad);
    }
    push @children, $child;
}
waitpid($_, 0), is($?, 0, 'a client among others') for @children;

is $filter->stop, 0, 'ends';
unlike $filter->stderr . $slow->stderr . $early->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';
close $to;
waitpid $pid, 0;
done_testing;
