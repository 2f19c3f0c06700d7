#!/usr/bin/perl
# 2-cmd-dkim-verify - tamis dkim verify: RFC 8463's mail as it is, and what is said when something was changed
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use lib "$ENV{srcdir}/t/lib";
use JSON::PP;
use Tamis::Guard qw(run_command slurp spew temp_dir);
use Test::More;

alarm 60;

my $dir = temp_dir();
my $tamis = $ENV{TAMIS} // './tamis';

my $ED = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
my $RSA = 'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1'
    . '6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3'
    . 'Ip3G+2kryOTIKT+l/K4w3QIDAQAB';
my $OTHER = 'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC/AREDRNML1vYfhL++kmSBT7TQWXz/mnyRf9sSXW2h6SfeNSvf'
    . '0HNScXbhFCGhfj2JouFefEhJVXea6V9owDLc4u4hIDcqaRh77wzHiBV6D5q1PnzX/pSR3p2u+x86PvM4U2SRTaTioIr4kAB0'
    . '4QvtzbkE+Q7B85N+a6nqNzIZEwIDAQAB';

my $MAIL = <<'END';
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
END

# Made with Python: SHA-256 of the canonical texts; the signed one from the RSA signature.
my $BODY = '2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=';
my $BODY_FOOTER = 'uHE2B04GNW8BmVIh/k3lT5Zrl2hJ65sPB5DiuzWaeDA=';
my $HEADER = '/tcebXD7Eju1w1OtxCghswS2udVPyGfzBPfGHaqqERE=';
my $HEADER_LIST = 'zCDeW+/qvEBVDAHo8pIWytUp377khO7kDR44RuNmz7s=';
my $HEADER_ED = 'SM6aLHEOzhcQ/xVplrg2p/RUcOQ+/lZDB01uFpDtYuc=';
my $HEADER_ED_LIST = 'Va9PciNJ09ckpATwdyD9SY3Vl7zhsUD8dY92xeT5QvQ=';
my $FIELDS = 'from:to:subject:date:message-id:from:subject:date';
my $NAME = '_domainkey.football.example.com';

sub zone {
    my ($ed, $rsa) = @_;
    return spew("$dir/zone", "$ed\n$rsa\n");
}

# A record of a zone file.
sub txt { my ($selector, $text) = @_; return qq($selector.$NAME. 300 IN TXT "$text") }

my $ed_good = txt('brisbane', "v=DKIM1; k=ed25519; p=$ED");
my $rsa_good = txt('test', "v=DKIM1; k=rsa; p=$RSA");

sub verify {
    my ($mail, @options) = @_;
    spew("$dir/mail.eml", $mail);
    return run_command([$tamis, qw(dkim verify), '--zone', "$dir/zone", @options, "$dir/mail.eml"]);
}

# (exit status, what is said of both signatures), from the JSON.
sub differences {
    my ($mail) = @_;
    my ($status, $out) = verify($mail, '--json');
    my $answer = JSON::PP->new->decode($out);
    return ($status, map { "$_->{result}: " . ($_->{difference} // '-') } @{ $answer->{signatures} });
}

zone($ed_good, $rsa_good);
my ($status, $out, $err) = verify($MAIL);
is $err, '', 'nothing on standard error';
is $status, 0, 'pass';
is $out, <<"END", 'what is printed';
pass: 2 signatures, From football.example.com
signature 1: pass
    d=football.example.com, s=brisbane, a=ed25519-sha256, c=relaxed/relaxed, a key of 256 bits
    h=$FIELDS
    header: as signed, hash $HEADER_ED, signed $HEADER_ED
    body: as signed, hash $BODY, signed $BODY
signature 2: pass
    d=football.example.com, s=test, a=rsa-sha256, c=relaxed/relaxed, a key of 1024 bits
    h=$FIELDS
    header: as signed, hash $HEADER, signed $HEADER
    body: as signed, hash $BODY, signed $BODY
END

(my $list = $MAIL) =~ s/^Subject: /Subject: [list] /m;
($status, $out) = verify($list);
is $status, 1, 'a changed subject';
is $out, <<"END", 'what is printed then';
fail: 2 signatures, From football.example.com
signature 1: fail: the header was changed, or the published key (brisbane.$NAME) is another; signed are: $FIELDS
    d=football.example.com, s=brisbane, a=ed25519-sha256, c=relaxed/relaxed, a key of 256 bits
    h=$FIELDS
    header: differs, hash $HEADER_ED_LIST, signed not to be seen
    body: as signed, hash $BODY, signed $BODY
signature 2: fail: the header was changed: hash $HEADER_LIST, signed $HEADER: one of these fields was changed, added or taken away: $FIELDS
    d=football.example.com, s=test, a=rsa-sha256, c=relaxed/relaxed, a key of 1024 bits
    h=$FIELDS
    header: differs, hash $HEADER_LIST, signed $HEADER
    body: as signed, hash $BODY, signed $BODY
END

my $footer = "$MAIL-- \nlist footer\n";
my $body = "the body was changed: hash $BODY_FOOTER, signed $BODY";
is_deeply [differences($footer)], [1, ("fail: $body") x 2], 'a footer';
is_deeply [(differences("$list-- \nlist footer\n"))[2]], ["fail: $body; and the header was changed: hash $HEADER_LIST, "
    . "signed $HEADER: one of these fields was changed, added or taken away: $FIELDS"], 'both';

zone($ed_good, txt('test', "v=DKIM1; k=rsa; p=$OTHER"));
is_deeply [differences($MAIL)], [0, 'pass: -',
    "fail: the signature was made with another key than the published one (test.$NAME)"],
    'another key; one good signature is enough';
zone("brisbane.$NAME. 300 IN TXT \"v=spf1 -all\"", txt('test', "v=DKIM1; k=ed25519; p=$ED"));
($status, my @told) = differences($MAIL);
is $status, 1, 'keys of the wrong kind';
like $told[1], qr/^permerror: k= of the key is ed25519, a= wants rsa\z/, 'the record says k=ed25519';
zone("\$SERVFAIL brisbane.$NAME", "\$SERVFAIL test.$NAME");
($status) = verify($MAIL);
is $status, 75, 'temperror';
zone($ed_good, txt('test', 'v=DKIM1; k=rsa; p='));
($status, @told) = differences($MAIL =~ s/a=ed25519-sha256/a=ed25519-sha1/r);
is $status, 1, 'no good one';
like $told[0], qr/^permerror: a=/, 'an algorithm that nobody knows';
like $told[1], qr/^permerror: .*revoked/, 'a revoked key';

($status, $out) = verify("From: a\@b.example\n\nx\n");
is $status, 1, 'an unsigned mail does not pass';
is $out, "none: 0 signatures, From b.example\n", 'and has none';
($status, $out) = verify("From: a\@b.example\nFrom: c\@d.example\nDKIM-Signature: nonsense\n\n");
is $status, 1, 'nonsense';
like $out, qr/\Apermerror: 1 signature, From is not one address\nsignature 1: permerror: \S.*\n    d=\?, s=\?, a=\?, c=\?\n    header: not compared\n    body: not compared\n\z/,
    'is described as far as it goes';

($status, $out) = run_command([$tamis, qw(dkim verify --zone), "$dir/zone"], stdin => "From: a\@b.example\n\n");
is $status, 1, 'standard input';
like $out, qr/^none: 0 signatures, From b\.example$/m, 'is read';
($status, undef, $err) = run_command([$tamis, qw(dkim verify --zone), "$dir/zone", "$dir/none"]);
is $status, 66, 'no such mail';
is $err, "tamis dkim: $dir/none: No such file or directory\n", 'is said';
($status) = run_command([$tamis, qw(dkim verify a b)]);
is $status, 64, 'one mail only';

done_testing();
