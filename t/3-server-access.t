#!/usr/bin/perl
# 3-server-access - tables asked for the addresses, mail exchangers and name servers behind a name
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Tamis::Zone;
use Test::More;

alarm 120;
my $ok = '250 2.0.0 Ok';
my $rcpt = 'rcpt <r@there.example>';
my $short = "dns_timeout = 1s\n";

my $zone = <<'END';
$ORIGIN .
$TTL 60
good.example.          NS    ns.good.example.
good.example.          MX    10 mx.good.example.
good.example.          A     192.0.2.1
mx.good.example.       A     192.0.2.2
ns.good.example.       A     192.0.2.3
; one thing is listed in each of these
a.bad.example.         A     203.0.113.1
aaaa.bad.example.      AAAA  2001:db8:bad::1
mxname.example.        MX    10 mx.good.example.
                       MX    20 mx1.listed.example.
mxaddr.example.        MX    10 mx.good.example.
                       MX    20 many.example.
many.example.          A     192.0.2.9
                       A     203.0.113.1
                       AAAA  2001:db8::1
mxaddr6.example.       MX    10 aaaa.bad.example.
mxnumeric.example.     MX    10 203.0.113.1.
nomx.listed.example.   A     192.0.2.1
nomxaddr.example.      A     203.0.113.1
null.listed.example.   MX    0 .
                       A     203.0.113.1
malformed.example.     MX    10 bad\032name.example.
malformed.example.     A     203.0.113.1
half.example.          MX    10 bad\032name.example.
half.example.          MX    20 mx1.listed.example.
mxgone.example.        MX    10 gone.good.example.
                       MX    20 mx1.listed.example.
mxlater.example.       MX    10 later.good.example.
                       MX    20 many.example.
$SERVFAIL later.good.example.
$SERVFAIL later.listed.example.
$TIMEOUT  timeout.listed.example.
both.listed.example.   MX    10 mx1.listed.example.
mx1.listed.example.    A     203.0.113.1
; name servers
nsname.example.        NS    ns.good.example.
                       NS    ns1.listed.example.
nsname.example.        A     192.0.2.1
deep.nsname.example.   A     192.0.2.1
nsaddr.example.        NS    many.example.
own.nsname.example.    NS    ns.good.example.
$SERVFAIL later.nsname.example. NS
xn--bcher-kva.example. MX    10 mx1.listed.example.
END

my $table = 'inline:{{203.0.113 = REJECT net}, {2001:db8:bad = REJECT net6}, {listed.example = REJECT name},'
    . ' {dunno.example = DUNNO}}';
my %whose = (client => 'Client host', reverse_client_hostname => 'Unverified Client host', helo => 'Helo command',
    sender => 'Sender address', recipient => 'Recipient address');

# The commands that make NAME the subject, and how replies call it.
sub about {
    my ($subject, $name) = @_;
    return (["client $name 198.51.100.7"], "$name\[198.51.100.7]") if $subject eq 'client';
    return (["client unknown 198.51.100.7 $name"], $name) if $subject eq 'reverse_client_hostname';
    return (["helo $name"], $name) if $subject eq 'helo';
    return (["mail <u\@$name>"], "u\@$name") if $subject eq 'sender';
    return ([], "u\@$name");
}

sub check {
    my ($type, $subject, $rows) = @_;
    my @pairs;
    for my $row (@$rows) {
        my ($name, $why) = @$row;
        my ($before, $reply) = about($subject, $name);
        push @pairs, map { $_ => $ok } @$before;
        push @pairs, ($subject eq 'recipient' ? "rcpt <u\@$name>" : $rcpt),
            $why eq '' ? $ok : "554 5.7.1 <$reply>: $whose{$subject} rejected: $why";
    }
    zone_plays("$subject $type", $zone, "recipient_restrictions = check_${subject}_${type}_access $table\n$short", @pairs);
}

my %rows = (
    a => [
        ['good.example', ''], ['a.bad.example', 'net'], ['aaaa.bad.example', 'net6'], ['many.example', 'net'],
        ['nomxaddr.example', 'net'], ['mxaddr.example', ''], ['nomx.listed.example', ''], ['gone.example', ''],
        ['later.listed.example', ''], ['null.listed.example', 'net'],
    ],
    mx => [
        ['good.example', ''], ['mxname.example', 'name'], ['mxaddr.example', 'net'], ['mxaddr6.example', 'net6'],
        ['mxnumeric.example', 'net'], ['nomx.listed.example', 'name'], ['nomxaddr.example', 'net'],
        ['null.listed.example', ''], ['malformed.example', ''], ['half.example', 'name'],
        ['mxgone.example', 'name'], ['mxlater.example', 'net'], ['gone.listed.example', 'name'],
        ['gone.example', ''], ['later.listed.example', ''], ['both.listed.example', 'name'],
    ],
    ns => [
        ['good.example', ''], ['nsname.example', 'name'], ['deep.nsname.example', 'name'],
        ['none.deep.nsname.example', 'name'], ['nsaddr.example', 'net'], ['own.nsname.example', ''],
        ['x.own.nsname.example', ''], ['later.nsname.example', ''], ['gone.example', ''],
        ['nomx.listed.example', ''], ['a.b.c.d.e.f.g.nsname.example', 'name'],
    ],
);
for my $type (sort keys %rows) {
    check($type, $_, $rows{$type}) for sort keys %whose;
}
check($_, 'sender', [['timeout.listed.example', '']]) for qw(a mx ns);

# --- addresses in place of names
my @literal = ("sender_restrictions = check_sender_%s_access $table\n$short",
    "helo_restrictions = check_helo_%s_access $table\n$short");
for my $type (qw(a mx)) {
    zone_plays("literals, $type", $zone, sprintf($literal[0], $type),
        'mail <u@[203.0.113.4]>' => $ok, $rcpt, '554 5.7.1 <u@[203.0.113.4]>: Sender address rejected: net',
        'mail <u@[IPv6:2001:db8:bad::1]>' => $ok, $rcpt, '554 5.7.1 <u@[IPv6:2001:db8:bad::1]>: Sender address rejected: net6',
        'mail <u@[192.0.2.1]>' => $ok, $rcpt, $ok,
        'mail <u@[nonsense]>' => $ok, $rcpt, $ok,
        'mail <>' => $ok, $rcpt, $ok);
    zone_plays("HELO literals, $type", $zone, sprintf($literal[1], $type),
        'helo [203.0.113.4]' => $ok, $rcpt, '554 5.7.1 <[203.0.113.4]>: Helo command rejected: net',
        'helo [' => $ok, $rcpt, $ok, 'helo []' => $ok, $rcpt, $ok,
        'helo [203.0.113.4' => $ok, $rcpt, $ok,
        'helo 203.0.113.4' => $ok, $rcpt, '554 5.7.1 <203.0.113.4>: Helo command rejected: net');
}
zone_plays('literals, ns', $zone, sprintf($literal[1], 'ns'),
    'helo [203.0.113.4]' => $ok, $rcpt, $ok, 'helo 203.0.113.4' => $ok, $rcpt, $ok);
zone_plays('nobody', $zone, join('', map { "client_restrictions = check_client_mx_access $table,"
        . " check_reverse_client_hostname_mx_access $table\nhelo_restrictions = check_helo_mx_access $table\n" } 1),
    'client unknown 203.0.113.4' => $ok, $rcpt, $ok);
zone_plays('a dot at the end', $zone, sprintf($literal[1], 'a'),
    'helo a.bad.example.' => $ok, $rcpt, '554 5.7.1 <a.bad.example.>: Helo command rejected: net');
zone_plays('U-labels', $zone, "smtputf8_enable = yes\n" . sprintf($literal[0], 'mx'),
    "mail <u\@b\xC3\xBCcher.example> SMTPUTF8" => $ok, $rcpt,
    "554 5.7.1 <u\@b\xC3\xBCcher.example>: Sender address rejected: name");
zone_plays('any bytes', $zone, sprintf($literal[1], 'mx'),
    'helo a..b' => $ok, $rcpt, $ok, "helo \xFF\xFE.example" => $ok, $rcpt, $ok, 'helo .' => $ok, $rcpt, $ok,
    'helo ' . ('a.' x 126) . 'nsname.example' => $ok, $rcpt, $ok);
zone_plays('many labels', $zone, sprintf($literal[1], 'ns'),
    'helo ' . ('a.' x 110) . 'nsname.example' => $ok, $rcpt,
    '554 5.7.1 <' . ('a.' x 110) . 'nsname.example>: Helo command rejected: name');

# --- what a value may say
my $mx = 'recipient_restrictions = check_sender_mx_access inline:{{mx.good.example = %s}}, reject' . "\n";
my $from = 'mail <u@good.example>';
zone_plays('OK', $zone, sprintf($mx, 'OK'), $from => $ok, $rcpt, '451 4.3.5 Server configuration error');
zone_plays('a number', $zone, sprintf($mx, '1'), $from => $ok, $rcpt, '451 4.3.5 Server configuration error');
zone_plays('permit', $zone, sprintf($mx, 'permit'), $from => $ok, $rcpt, '451 4.3.5 Server configuration error');
zone_plays('DUNNO', $zone, sprintf($mx, 'DUNNO'), $from => $ok, $rcpt,
    '554 5.7.1 <r@there.example>: Recipient address rejected: Access denied');
zone_plays('a reply', $zone, sprintf($mx, '421 4.3.0 later'), $from => $ok, $rcpt,
    '421 4.3.0 <u@good.example>: Sender address rejected: later');
zone_plays('DUNNO ends the search', $zone, 'sender_restrictions = check_sender_mx_access'
        . " inline:{{mx.good.example = DUNNO}, {192.0.2.2 = REJECT}}\n", $from => $ok, $rcpt, $ok);
zone_plays('warn_if_reject', $zone, "sender_restrictions = warn_if_reject check_sender_mx_access $table\n",
    'mail <u@mxname.example>' => $ok, $rcpt, $ok);
zone_plays('inet_protocols', $zone, "inet_protocols = ipv4\n" . sprintf($literal[0], 'a'),
    'mail <u@aaaa.bad.example>' => $ok, $rcpt, $ok,
    'set inet_protocols ipv6' => $ok, 'mail <u@a.bad.example>' => $ok, $rcpt, $ok);
zone_plays('IPv6 first', $zone, 'sender_restrictions = check_sender_a_access'
        . " inline:{{203.0.113 = REJECT four}, {2001:db8::1 = REJECT six}}\n",
    'mail <u@many.example>' => $ok, $rcpt, '554 5.7.1 <u@many.example>: Sender address rejected: six');
write_file('networks', "203.0.113.0/24 REJECT cidr\n");
zone_plays('cidr', $zone, "sender_restrictions = check_sender_mx_access cidr:networks\n",
    'mail <u@mxaddr.example>' => $ok, $rcpt, '554 5.7.1 <u@mxaddr.example>: Sender address rejected: cidr');

# --- many hosts
my @hosts = map { "crowd.example. MX $_ h$_.crowd.example.\nh$_.crowd.example. A 192.0.2.$_\n" } 1 .. 70;
zone_plays('many hosts', join('', @hosts), "sender_restrictions = check_sender_mx_access inline:{{192.0.2.59 = REJECT in}}\n",
    'mail <u@crowd.example>' => $ok, $rcpt, '554 5.7.1 <u@crowd.example>: Sender address rejected: in');
zone_plays('too many hosts', join('', @hosts), "sender_restrictions = check_sender_mx_access inline:{{192.0.2.70 = REJECT in}}\n",
    'mail <u@crowd.example>' => $ok, $rcpt, $ok);

# --- tamis check: keys are hosts and addresses, OK cannot work
sub problems {
    my ($conf) = @_;
    my $file = write_file('milter.conf', "postfix_config_directory =\n$conf");
    my ($out, $err) = run_tamis('', 'check', '-c', $file);
    return "$out$err";
}
write_file('hosts', "192.0.2.0/24 REJECT\nlisted.example REJECT\nuser\@dom.example REJECT\n192.0.2.1 OK\n");
my $said = problems("sender_restrictions = check_sender_mx_access hash:hosts\n");
like($said, qr{hosts:1: .*192\.0\.2\.0/24: this key never matches: a network in a table of whole keys: write 192\.0\.2$}m, 'networks');
like($said, qr{hosts:3: .*user\@dom\.example: this key never matches: what is looked up is a host name or an address$}m, 'addresses');
like($said, qr{hosts:4: .*192\.0\.2\.1: OK is not allowed for a name that anybody can forge and answers 451 4\.3\.5: write DUNNO$}m, 'OK');
unlike($said, qr{hosts:2:}, 'a name is a name');
unlike(problems("sender_restrictions = check_sender_mx_access cidr:networks\n"), qr{never finds anything}, 'cidr: for servers');

done_testing;
