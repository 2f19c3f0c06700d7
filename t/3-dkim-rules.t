#!/usr/bin/perl
# 3-dkim-rules - rules on DKIM and Authentication-Results' dkim=: each action and result, on mails signed by dkimpy
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Tamis::Session;
use Test::More;

alarm 240;

# The signatures stand behind __DATA__, all over this mail; so do the keys they were made with.
my $data = do { local $/; <DATA> };
my %signature = $data =~ /^== (\w+)\n((?:(?!== ).*\n)+)/mg;
my %key = $data =~ /^key (\w+) (\S+)$/mg;
my ($head, $body) = ("From: Anna <anna\@sign.example>\nTo: b\@test.example\nSubject: hello\n", "A line.\n");

sub mail { return join('', map { $signature{$_} } @_) . "$head\n$body" }
sub altered { my ($mail, $from, $to) = @_; $mail =~ s/\Q$from\E/$to/ or die $from; return $mail }

# A record, in strings short enough for a zone; ";" would begin a comment only outside of quotes.
sub record {
    my ($name, $text) = @_;
    return "$name TXT " . join(' ', map { "\"$_\"" } $text =~ /.{1,200}/g) . "\n";
}

sub zone {
    my (%records) = (r => "v=DKIM1; p=$key{rsa}", e => "v=DKIM1; k=ed25519; p=$key{ed}",
        small => "v=DKIM1; p=$key{small}", @_);
    return join '', record('o._domainkey.list.example', "v=DKIM1; p=$key{other}"),
        map { ref $records{$_} ? "${$records{$_}}\n" : record("$_._domainkey.sign.example", $records{$_}) }
        grep { defined $records{$_} } sort keys %records;
}

# name => [mail, zone, result, what is said]
my $good = zone();
my %case = (
    none      => [mail(), $good, 'none', 'the message is not signed'],
    pass      => [mail('rsa'), $good, 'pass', 'sign.example'],
    fail      => [mail('rsa') . "more\n", $good, 'fail', 'sign.example: the body was altered'],
    policy    => [mail('sha1'), $good, 'policy', 'sign.example: rsa-sha1'],
    neutral   => [mail('rsa') . "more\n", zone(r => "v=DKIM1; t=y; p=$key{rsa}"), 'neutral',
                  'sign.example: bad signature, but its key is for testing'],
    temperror => [mail('rsa'), zone(r => \'$SERVFAIL r._domainkey.sign.example'), 'temperror', 'sign.example: no answer about the key: SERVFAIL'],
    permerror => [mail('rsa'), zone(r => undef), 'permerror', 'sign.example: no key in the DNS'],
);
for my $name (keys %case) {
    write_file("$name.eml", $case{$name}[0]);
    write_file("$name.zone", $case{$name}[1]);
}

my $site = "postfix_config_directory =\nmyhostname = mx.test.example\nmynetworks = 10.0.0.0/8\n";

# What a mail is answered at its end under these lists, by --session; and what went to the log.
sub answer {
    my ($lists, $case, $conf) = @_;
    my $file = write_file('milter.conf', $site . ($conf // '') . "end_of_data_restrictions = $lists\n");
    my ($out, $log, $status) = run_tamis(
        "mail <a\@b.example>\nrcpt <b\@test.example>\nmessage " . workdir() . "/$case.eml\n",
        'test', '-c', $file, '--zone', workdir() . "/$case.zone", '--session', '-');
    diag "$status: $log" if $status ne '0';
    return ((split /\n/, $out)[2], $log);
}

my $ok = '250 2.0.0 Ok';
my $denied = '554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied';
my $where = '<END-OF-MESSAGE>: End-of-data';
my %says = (none => 'the message is not signed', pass => 'sign.example', fail => 'sign.example: the body was altered',
    policy => 'sign.example: rsa-sha1 is not accepted', neutral => 'sign.example: bad signature, but its key is for testing',
    temperror => 'sign.example: no answer about the key: SERVFAIL', permerror => 'sign.example: no key in the DNS');
for my $rule (sort keys %says) {
    my $text = "$where rejected: DKIM $rule: $says{$rule}";
    for my $case (sort keys %case) {
        my $fires = $case eq $rule;
        my %want = (reject => "550 5.7.20 $text", defer => "450 4.7.20 $text", permit => $ok, hold => $ok);
        @want{qw(reject defer)} = ("451 4.7.20 $text") x 2 if $rule eq 'temperror';
        is((answer("${_}_dkim_$rule", $case))[0], $fires ? $want{$_} : $ok, "${_}_dkim_$rule, $case") for qw(reject defer);
        is((answer("permit_dkim_$rule, reject", $case))[0], $fires ? $ok : $denied, "permit_dkim_$rule, $case");
        my ($got, $log) = answer("hold_dkim_$rule", $case);
        is($got, $ok, "hold_dkim_$rule, $case: taken");
        is_deeply([$log =~ /: hold: END-OF-MESSAGE from \S+: (.*?); rule=/g],
            [$fires ? "$where DKIM $rule: $says{$rule}" : ()], "hold_dkim_$rule, $case: what is held");
    }
}
is((answer('warn_if_reject reject_dkim_fail', 'fail'))[0], $ok, 'warn_if_reject');
for my $login ('-', 'auth joe') {
    my $conf = write_file('milter.conf', "${site}end_of_data_restrictions = reject_dkim_fail, reject_dkim_none\n");
    my ($out) = run_tamis(($login eq '-' ? "client h.example 10.0.0.1\n" : "$login\n") . "mail <a\@b.example>\nrcpt <b\@test.example>\nmessage "
        . workdir() . "/fail.eml\n", 'test', '-c', $conf, '--zone', workdir() . '/fail.zone', '--session', '-');
    is((split /\n/, $out)[-1], $ok, "outgoing mail has no result ($login)");
}

# --- check_dkim_access: good signatures only, whatever From says
sub add_case { my ($name, $mail, $zone) = @_; write_file("$name.eml", $mail); write_file("$name.zone", $zone) }
my $two = $signature{other} . $signature{rsa} . "$head\n$body";
add_case('other', mail('other'), $good);
add_case('both', $two, $good);
add_case('half', altered($two, 'MMDpy9d4', 'MMDpy9d5'), $good);
my $table = 'check_dkim_access inline:{{sign.example = REJECT we know you}, {list.example = OK}}, reject';
is((answer($table, 'pass'))[0], '554 5.7.1 <sign.example>: Signing domain rejected: we know you', 'check_dkim_access: by its domain');
is((answer($table, 'other'))[0], $ok, 'check_dkim_access: another than the author');
is((answer($table, 'both'))[0], $ok, 'check_dkim_access: of two the first');
is((answer($table, 'half'))[0], '554 5.7.1 <sign.example>: Signing domain rejected: we know you', 'check_dkim_access: of two the good one');
is((answer($table, $_))[0], $denied, "check_dkim_access: $_") for qw(none fail policy neutral temperror permerror);
is((answer('check_dkim_access inline:{{example = REJECT no}}', 'pass'))[0], '554 5.7.1 <sign.example>: Signing domain rejected: no',
    'check_dkim_access: a parent domain');

# --- Authentication-Results
sub results {
    my ($mail, $zone, %opt) = @_;
    my $file = write_file('milter.conf', "${site}authentication_results = dkim\n" . ($opt{conf} // ''));
    my ($out, $err, $status) = run_tamis('', 'test', '--json', '-c', $file, '--zone', write_file('zone', $zone), '--rcpt', 'b@test.example',
        @{ $opt{args} // [] }, write_file('mail.eml', $mail));
    diag "$status: $err" if $status ne '0';
    my @edits = @{ JSON::PP->new->decode($out)->{edits} };
    my $front = " mx.test.example;\n\t";
    return @edits if @edits != 1 || substr($edits[0]{value}, 0, length $front) ne $front;
    return substr $edits[0]{value}, length $front;
}

# The clause of a signature: result, reason, remark, b=, and what differs from these presets.
sub clause {
    my ($result, $reason, $remark, $b, %is) = (@_);
    %is = (d => 'sign.example', a => 'rsa-sha256', s => 'r', %is);
    $is{i} //= "\@$is{d}";
    return join ' ', "dkim=$result", defined $reason ? "reason=\"$reason\"" : (), defined $remark ? "($remark)" : (),
        (map { "header.$_=$is{$_}" } qw(d i a s)), "header.b=$b";
}
my $bits = '2048-bit key';
my $b = 'J7smt8k8';
my @ed = (a => 'ed25519-sha256', s => 'e');
my @rows = (
    ['unsigned', mail(), $good, 'dkim=none'],
    ['good', mail('rsa'), $good, clause('pass', undef, $bits, $b)],
    ['Ed25519', mail('ed'), $good, clause('pass', undef, '256-bit key', 'XcoYYLp2', @ed)],
    ['both', mail('ed', 'rsa'), $good, clause('pass', undef, '256-bit key', 'XcoYYLp2', @ed) . ";\n\t" . clause('pass', undef, $bits, $b)],
    ['a good one and a bad one', altered(mail('rsa', 'other'), 'MMDpy9d4', 'MMDpy9d5'), $good,
        clause('pass', undef, $bits, $b) . ";\n\t" . clause('fail', 'the signed header was altered, or the key is another', $bits, 'MMDpy9d5',
            d => 'list.example', s => 'o')],
    ['another body', mail('rsa') . "more\n", $good, clause('fail', 'the body was altered', $bits, $b)],
    ['another subject', altered(mail('rsa'), 'hello', 'bye'), $good, clause('fail', 'the signed header was altered, or the key is another', $bits, $b)],
    ['another From above', "From: x\@evil.example\n" . mail('rsa'), $good, clause('fail', 'the signed header was altered, or the key is another', $bits, $b)],
    ['two From, the lower of which is signed', $signature{twofrom} . "From: anna\@sign.example\nFrom: boss\@bank.example\nSubject: hello\n\n$body",
        $good, clause('policy', 'the mail has 2 From fields', $bits, '"Ms5sPvz/"')],
    ['no key', mail('rsa'), zone(r => undef), clause('permerror', 'no key in the DNS', undef, $b)],
    ['another record only', mail('rsa'), zone(r => 'v=spf1 -all'), clause('permerror', 'no key in the DNS: what is there is no DKIM record', undef, $b)],
    ['two keys', mail('rsa'), zone(r => "v=DKIM1; p=$key{rsa}", x => \(my $x = record('r._domainkey.sign.example', "v=DKIM1; p=$key{other}"))),
        clause('permerror', 'more than one key at that name', undef, $b)],
    ['revoked', mail('rsa'), zone(r => 'v=DKIM1; p='), clause('permerror', 'the key is revoked', undef, $b)],
    ['a key of another kind', mail('rsa'), zone(r => "v=DKIM1; k=ed25519; p=$key{ed}"), clause('permerror', 'k of the key is ed25519, a wants rsa', undef, $b)],
    ['another key', mail('rsa'), zone(r => "v=DKIM1; p=$key{other}"), clause('fail', 'the signed header was altered, or the key is another', $bits, $b)],
    ['not for mail', mail('rsa'), zone(r => "v=DKIM1; s=web; p=$key{rsa}"), clause('permerror', 's of the key does not allow email', undef, $b)],
    ['not for sha256', mail('rsa'), zone(r => "v=DKIM1; h=sha1; p=$key{rsa}"), clause('permerror', 'h of the key does not allow sha256', undef, $b)],
    ['g=*', mail('rsa'), zone(r => "v=DKIM1; g=*; k=rsa; p=$key{rsa}"), clause('pass', undef, $bits, $b)],
    ['SERVFAIL', mail('rsa'), zone(r => \'$SERVFAIL r._domainkey.sign.example'), clause('temperror', 'no answer about the key: SERVFAIL', undef, $b)],
    ['a bogus answer', mail('rsa'), zone(r => \'$BOGUS r._domainkey.sign.example'), clause('temperror', 'no answer about the key: bogus: the zone file says so', undef, $b)],
    ['sha1', mail('sha1'), $good, clause('policy', 'rsa-sha1 is not accepted', undef, 'b4ckkYnV', a => 'rsa-sha1')],
    ['a small key', mail('small'), $good, clause('policy', 'a key of only 512 bits', '512-bit key', '"s3c/UaMc"', s => 'small')],
    ['l=, the whole body', mail('length'), $good, clause('pass', undef, $bits, 'gcWKj0SV')],
    ['l=, more behind', mail('length') . "more\n", $good, clause('policy', 'only a part of the body is signed', "$bits, a part of the body only", 'gcWKj0SV')],
    ['expired', mail('expired'), $good, clause('permerror', 'expired', undef, 'REle1pg1')],
    ['t=y, good', mail('rsa'), zone(r => "v=DKIM1; t=y; p=$key{rsa}"), clause('pass', 'the key is for testing', "$bits, test", $b)],
    ['t=y, bad', mail('rsa') . "more\n", zone(r => "v=DKIM1; t=y; p=$key{rsa}"),
        clause('neutral', 'bad signature, but its key is for testing', "$bits, test", $b)],
    ['i= below d=', mail('sub'), $good, clause('pass', undef, $bits, 'U6qOqKbP', i => 'anna@mail.sign.example')],
    ['i= below d=, t=s', mail('sub'), zone(r => "v=DKIM1; t=s; p=$key{rsa}"),
        clause('permerror', 'the key is not for i below d', $bits, 'U6qOqKbP', i => 'anna@mail.sign.example')],
    ['i= that is not in d=', altered(mail('sub'), 'anna@mail.sign.example', 'anna@bank.example'), $good,
        clause('permerror', 'the domain of i is not within d', undef, 'U6qOqKbP', i => 'anna@bank.example')],
);
for my $row (@rows) {
    my ($name, $mail, $zone, $want) = @$row;
    is_deeply([results($mail, $zone)], [$want], $name);
}
is_deeply([results(mail('length') . "more\n", $good, conf => "dkim_partial_body = accept\n")],
    [clause('pass', 'only a part of the body is signed', "$bits, a part of the body only", 'gcWKj0SV')], 'dkim_partial_body = accept');
is_deeply([results(mail('rsa'), $good, conf => "dkim_minimum_key_bits = 4096\n")],
    [clause('policy', 'a key of only 2048 bits', $bits, $b)], 'dkim_minimum_key_bits');
is_deeply([results(mail('other', 'ed', 'rsa'), $good, conf => "dkim_max_signatures = 1\n")],
    [join ";\n\t", clause('policy', 'one signature too many: not evaluated', undef, 'MMDpy9d4', d => 'list.example', s => 'o'),
        clause('pass', undef, '256-bit key', 'XcoYYLp2', @ed), clause('policy', 'one signature too many: not evaluated', undef, $b)],
    'dkim_max_signatures: the author\'s domain first');
is_deeply([results(mail('rsa'), $good, args => ['--client', 'h.example[10.0.0.1]'])], [], 'outgoing: nothing');
is_deeply([results(mail('rsa'), $good, args => ['--auth', 'joe'])], [], 'logged in: nothing');

# The name of whoever asks is no way to bring text of one's own into the field.
my $evil = altered(mail('rsa'), 's=r;', 's=r; i=x=3B=20dkim=3Dpass=20header.d=3Dbank.example=0D=0AX:=20y@sign.example;');
unlike(join('', results($evil, $good)), qr/bank|\n(?!\t)|X:/, 'i= that means harm');

done_testing;

__DATA__
key rsa MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtz672Kimy4vrGGAxot7iYmlUkhkfgtEyvL6Sc+Om/uneQLk63Z8VJxfbf04aNTYr1+NhkGoDZJf9916WWZ7EbQhoAvvUYu5cMZEreBRplgiS7dFKa4PBBW6ynDBkqHnVJvMpmhRJVlZXXZYibD2tXNsz/iPd6671cxDH5LBvHkeQliEpBC27Ufr5F1uGNLkKMCu/W3sAFisyRSMTpii42KK+N/q+1gBx1PJGSKU8eqEBB6jvzpUcSJNCHGxhXT3MyirO5RYEA+nvYtM3wPeykhNrvm0M9Y1IhqZxlXEEu8MPgY3lU1CVg522WMYppyxjAv6qeDIfVYl7FOQfW6o8wQIDAQAB
key ed 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
key small MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAO0Dcjy3vwO8e6SxtPyEdtsNBmBdLvNIZ96e3BzutZiQwxFT1R2GwZGEIzks7Q81wjybm0jR4KXYnPP1C/t8jGkCAwEAAQ==
key other MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxfV3eWdUX3DmTtzzsmUjkwyzGXfE5oco6/rZKEyeMUI0jHNWUbCIIXMfQqL/0CyriY8og5nXmGF6LmFU4VuxM0HCItMTB8DI1SPBOsLmUALnzeSjzAx0dt4zLnsQ4DkwhKLyXkeVczx8Ul30wNrThvgtqTNGQaYPu7qxHrVslrOiC1Xp4j6PMqYxJ0QI9DcJOtK+LN2fXD3/DLGlf5ZvVCaaEx5hGC5vUui3Ke8OkWOIPxzj2W2SxzoKo9e0A3dkZIDzJWjWLWsFbIdEPlE1igZTx/cQX8mJWgJHLVVz+nYRyZT3SBrJ8AGOQQTLzmZCvdqF1C5du4QB5tqox4qKGQIDAQAB
== rsa
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sign.example;
 s=r; t=1600000000; h=from : to : subject : from;
 bh=l01zRbEvQW57iYDMBkgaM3wYCvQ5xNXYH6Y2WgG+vrk=;
 b=J7smt8k8slkRoC/DthULgK9a01co1UmwI8QFxdUhK1aa5iBKAVN+ElZKmuPiW5Rgtyiqe
 3pEYxCBvCiOvBoiBbQu2aHWb5fOFVZBYz5aXX6/qUVDpxrvVpBtERlb5XyiKra1vquIxqsj
 3bm2ZBZjIZv6ddu7tqD11zyNcOpAyTW4xOLCMmUoOt4xSrv1ihTgPfj5VhyS1DGkrhckQEd
 XBWog/yRY/odys2SxuK9FVPqpoPYw1DpdvyQchTynekvPmTwJdjdqtN57ufz6Ro5iJoOD8R
 fjUK4xE7CvaFhVo0SiuXayjEP3fbbmrWRoqO7wgEv8GRnEpYViBj+RPkuYlg==
== ed
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=sign.example;
 s=e; t=1600000000; h=from : to : subject : from;
 bh=l01zRbEvQW57iYDMBkgaM3wYCvQ5xNXYH6Y2WgG+vrk=;
 b=XcoYYLp246CpU0CLR/pcrcR1BM4L6ustZm3t0Jai7Dl9pe6C4w7Tg01E8+2xuVdjigK3u
 h3QwU4+BxJsqvV8Aw==
== other
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=list.example;
 s=o; t=1600000000; h=from : to : subject : from;
 bh=l01zRbEvQW57iYDMBkgaM3wYCvQ5xNXYH6Y2WgG+vrk=;
 b=MMDpy9d4AGs1r+OYypDNvpUGGLVbkBnHGvp3skSFqNdEgGtavMh8OgD4iHyB9XoIF2pRb
 WUkk9JGurcaH/0dDyv/qxPunkqmK4FfrEgeojBJHYvUjToUQTuw/KmtDUmnyMUNBs9LGWRF
 Ot+5inXb2441/LbuAD4IlQyFP5xuHp4C6k2N2IO3Lwww+zPTYwiCGumAs+cuEbDhjtiGw4M
 F+0xEj05cc93vGXf5yyWdofmf/RgH83SoY/hxV7iLM6NsJ6HAh2Awq2uKTTPcw4KckyAF5Z
 Hzh/Y63yUieoAsRsrmi0SuXhowegY2av8AWFkFiEGgz+XjNvNMyhPBR/VkyA==
== sha1
DKIM-Signature: v=1; a=rsa-sha1; c=relaxed/relaxed; d=sign.example; s=r;
 t=1600000000; h=from : to : subject : from;
 bh=Mkhx89c2OABBy/AeW2bkJTT9pmk=;
 b=b4ckkYnVDWn9R663afqfrU7n1QpWDXpkWWUpLwbHg8SUfL3Wj9NJ+hLw2EjeV8WcZVimm
 q63V9uil35OKwpfgCBNav4eI42jDZHZuxMdFz+O9ZGIshfcFG3v7Z+n4t6cEhJJim9efRy4
 KrH3Dbw3x5l3vjrfALT7XFY38749JStwrFVKT4fBYUmZrdjn1oOjzQJYsaOJmx0BJthZHz0
 NHDVhV1ogGEatTllPnuespj91XV4vsVUHJjpL+xJGnhJTjgrs+Y8W6o2S8ND4pWdQUNpnDA
 6BocyzvVC71thU5XCMQubTRZCpqgRGOa7Sqckbay2Pahjo878Mc5bHEg5+Zg==
== small
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sign.example;
 s=small; t=1600000000; h=from : to : subject : from;
 bh=l01zRbEvQW57iYDMBkgaM3wYCvQ5xNXYH6Y2WgG+vrk=;
 b=s3c/UaMczocZWoA0NrDFCsZCcOn1sNo/Xzhj/3pfnFOhSNagSKR22aEN2c4iZGBkPblgy
 /eiQMz8PL/kQ07Gnw==
== length
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sign.example;
 l=9; s=r; t=1600000000; h=from : to : subject : from;
 bh=l01zRbEvQW57iYDMBkgaM3wYCvQ5xNXYH6Y2WgG+vrk=;
 b=gcWKj0SVg//81xxVg1dmDtwNtq6ljGprNlaSSW+1ObDFSAtZQZgiFqCrONO7bHxZg8w2M
 XwangnVN/oSee2gbOCUe/aPwK3udGJNGbtbLEUebk9XMOiAfu3JO5OAm+NI8w4tNQ6njk96
 s51XJvTLpun6G2FTYjvUYqqV6CgOV4nEy+VlINpkEm6vNUtWeU7cL2I3JJykdsf4VEbO4lj
 lvEAEZTj6qyFXnU7cZtLx4cLooJ35X/8OQTHeHR41mIkhlznAjdqTbij5XW4uerhaJRSxSO
 704KBKdjKJmwAztA40/ilA4QwQm14Gevd+5ddSzlaneWgDqLxsUimfBTrifA==
== expired
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sign.example;
 s=r; t=1600000000; x=1600003600; h=from : to : subject : from;
 bh=l01zRbEvQW57iYDMBkgaM3wYCvQ5xNXYH6Y2WgG+vrk=;
 b=REle1pg180HWYJsNku/nHUn/Nl3qDMzGGlX346dZEwr/vz3yOBeuoiJEf6Yqb4V/8FXJa
 qetqAN516nvMKDUTP1PxpfcqlNcffphCZzqrNoxXbZqcDk3M+RA/FwI+e+EKG1IF11fw8eS
 E0PK8XMUQ0AF8PW+BTgWPGbcVvWxhcKTa+Nyn2chn4+Iy+xN3GA3slxEGHP9vSG5T8GIXz6
 TVSufLDoE9BvSoACR595rXBlH2j/yaPSrIt7kfvqDyPLllUdVO3/i8IQWGUoksXjSqMzaAW
 9bKZ+589iE3XbYC9vnLbnps3USK57afU1V2caxahxngbj+Umxea9wFZaBrSw==
== sub
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sign.example;
 i=anna@mail.sign.example; s=r; t=1600000000; h=from : to : subject :
 from; bh=l01zRbEvQW57iYDMBkgaM3wYCvQ5xNXYH6Y2WgG+vrk=;
 b=U6qOqKbPjC5hKK7kE7H+rRozWEk5XN4VQv9CSDej3bSIxSJMa1BaUCFtET7BU0WMw/pm7
 e1AGjwOk0YBye8NwAjTeuvfpW036os8uc1r40GN9BfWnMX55HDnV6cN7MUN3pMvzK5SeLwW
 +7XxPpkCVqOZ2gN0dUO6y1JejqZEmD9Nn9WnrAfejMZUBLC3F4kENOm3ivkBSdhPD2uXRwZ
 LbGrLmDLlZkvWY0H2ftNsXEJoI/Nopbb0hTZCal0HDjJv5sowwcqjJRsKWysW11i9Z4QNqp
 k6bpShF+Zh/7T5628HVFIgJknIjPJabHsuKMK/9u4rHgfEWZcpsl0vT7diCA==
== twofrom
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sign.example;
 s=r; t=1600000000; h=from : subject;
 bh=l01zRbEvQW57iYDMBkgaM3wYCvQ5xNXYH6Y2WgG+vrk=;
 b=Ms5sPvz/L805DEjsOQr3xLUv5fHktfLluVeWP3VycABlcELcrKUn5lroOrXwVPYide/9i
 KhMQtS7/9J8agADYElrQ19DNSnDgOxFQvJCTaerzvdHTe4UKnj5ZdbKw4O5/lyE0eac4ZGv
 qU0h67TAmDkgEEpuazrYREcVFQ/Gu2XvANn1+DS5euMZXwx9mag+iCqQ1J4TW9H6UiBbyDC
 EwRIlXQr0C73q1yVwbJikVW5f8me64pVTcOLqXa/ujyEW+NfvFSiEoOutCACI0XEKSM7lza
 YAt/YcDW+dNIEJ1VG/OuNmou1BGvj/pJQrljr/NCguchjppOQG9WM0TMMVyw==
