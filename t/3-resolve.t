#!/usr/bin/perl
# 3-resolve - names that the DNS does not know: each restriction, each kind of answer, byte for byte
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
my $site = "mydestination = here.example\nvirtual_alias_domains = alias.example\n"
    . "virtual_mailbox_domains = box.example\nrelay_domains = relay.example\nmyorigin = here.example\n";

my $zone = <<'END';
$ORIGIN .
$TTL 60
mail.example.            A     192.0.2.10
                         AAAA  2001:db8::10
10.2.0.192.in-addr.arpa. PTR   mail.example.
; forged: the name has another address
forged.example.          A     192.0.2.99
11.2.0.192.in-addr.arpa. PTR   forged.example.
; the name has no address, or is not there
12.2.0.192.in-addr.arpa. PTR   noaddress.example.
noaddress.example.       TXT   "nothing"
13.2.0.192.in-addr.arpa. PTR   gone.example.
; several names, of which one leads back
14.2.0.192.in-addr.arpa. PTR   a-forged.example.
                         PTR   b-good.example.
a-forged.example.        A     192.0.2.99
b-good.example.          A     192.0.2.99
                         A     192.0.2.14
; temporary failures
$SERVFAIL 15.2.0.192.in-addr.arpa.
16.2.0.192.in-addr.arpa. PTR   servfail.example.
$SERVFAIL servfail.example.
$TIMEOUT  17.2.0.192.in-addr.arpa.
$BOGUS    18.2.0.192.in-addr.arpa.
; names that are none
19.2.0.192.in-addr.arpa. PTR   192.0.2.19.
20.2.0.192.in-addr.arpa. PTR   bad\032name.example.
; no PTR, but something there
21.2.0.192.in-addr.arpa. TXT   "x"
; only of the other family
22.2.0.192.in-addr.arpa. PTR   six.example.
six.example.             AAAA  2001:db8::22
0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mail.example.

; senders
mx.example.              MX    10 mail.example.
onlya.example.           A     192.0.2.30
onlyaaaa.example.        AAAA  2001:db8::30
null.example.            MX    0 .
nulltwo.example.         MX    10 mail.example.
                         MX    0 .
malformed.example.       MX    10 bad\032name.example.
halfbad.example.         MX    10 bad\032name.example.
                         MX    20 mail.example.
nothing.example.         TXT   "nothing"
mxlater.example.         A     192.0.2.31
$SERVFAIL mxlater.example. MX
$SERVFAIL mxgone.example. MX
$SERVFAIL alater.example. A
$SERVFAIL aaaalater.example. AAAA
alias-to.example.        CNAME mx.example.
numeric-mx.example.      MX    10 192.0.2.40.
$TIMEOUT timeout.example.
$BOGUS bogus.example.
nullhelo.example.        MX    0 .
$SERVFAIL nullhelo2.example. A
nullhelo2.example.       MX    0 .
a-only-later.example.    MX    10 mail.example.
$SERVFAIL a-only-later.example. A
xn--bcher-kva.example.   MX    10 mail.example.
xn--nll-hoa.example.     MX    0 .
*.wild.example.          A     192.0.2.41
END

# --- the client: what the MTA tells counts
my $client = "client_restrictions = reject_unknown_client_hostname\nunknown_client_reject_code = 550\n";
my $reverse = "client_restrictions = reject_unknown_reverse_client_hostname\nunknown_client_reject_code = 550\n";
my $forward = "client_restrictions = reject_unknown_forward_client_hostname\nunknown_client_reject_code = 550\n";
sub no_name    { "$_[0] 4.7.25 Client host rejected: cannot find your hostname, [$_[1]]" =~ s/^550 4/550 5/r }
sub no_reverse { "$_[0] 4.7.1 Client host rejected: cannot find your reverse hostname, [$_[1]]" =~ s/^550 4/550 5/r }
sub no_forward { "$_[0] 4.7.25 Client host rejected: cannot find your forward hostname, [$_[1]]" =~ s/^550 4/550 5/r }

zone_plays('told', $zone, $client,
    'client any.example 192.0.2.1' => $ok, $rcpt, $ok,
    'macro {client_resolve} OK' => $ok, $rcpt, $ok,
    'client unknown 192.0.2.10' => $ok,
    'macro {client_resolve} FAIL' => $ok, $rcpt, no_name(550, '192.0.2.10'),
    'macro {client_resolve} FORGED' => $ok, $rcpt, no_name(550, '192.0.2.10'),
    'macro {client_resolve} TEMP' => $ok, $rcpt, no_name(450, '192.0.2.10'));
zone_plays('told, reverse', $zone, $reverse,
    'client any.example 192.0.2.1' => $ok, $rcpt, $ok,
    'client unknown 192.0.2.1 ptr.example' => $ok, $rcpt, $ok,
    'macro {client_resolve} FORGED' => $ok, $rcpt, $ok,
    'macro {client_resolve} TEMP' => $ok, $rcpt, $ok,
    'client unknown 192.0.2.10' => $ok,
    'macro {client_resolve} FAIL' => $ok, $rcpt, no_reverse(550, '192.0.2.10'),
    'macro {client_resolve} TEMP' => $ok, $rcpt, no_reverse(450, '192.0.2.10'));
zone_plays('told, forward', $zone, $forward,
    'client any.example 192.0.2.1' => $ok, $rcpt, $ok,
    'client unknown 192.0.2.11 forged.example' => $ok,
    'macro {client_resolve} FORGED' => $ok, $rcpt, $ok,
    'client unknown 192.0.2.13 gone.example' => $ok,
    'macro {client_resolve} FORGED' => $ok, $rcpt, no_forward(550, '192.0.2.13'),
    'client unknown 192.0.2.16 servfail.example' => $ok,
    'macro {client_resolve} FORGED' => $ok, $rcpt, no_forward(450, '192.0.2.16'),
    'macro {client_resolve} TEMP' => $ok, $rcpt, no_forward(450, '192.0.2.16'),
    'client unknown 192.0.2.10' => $ok,
    'macro {client_resolve} FAIL' => $ok, $rcpt, no_forward(550, '192.0.2.10'));

# --- what it does not tell is asked: address, [name], [reverse], [forward]; '' is accepted
my @clients = (
    ['192.0.2.10', '',  '',  '',  'leads back'],
    ['192.0.2.11', 550, '',  '',  'has another address'],
    ['192.0.2.12', 550, '',  550, 'has a name without address'],
    ['192.0.2.13', 550, '',  550, 'has a name that is not there'],
    ['192.0.2.14', '',  '',  '',  'has two names, one leads back'],
    ['192.0.2.15', 450, 450, 450, 'PTR: SERVFAIL'],
    ['192.0.2.16', 450, '',  450, 'A: SERVFAIL'],
    ['192.0.2.17', 450, 450, 450, 'PTR: no answer'],
    ['192.0.2.18', 450, 450, 450, 'PTR: bogus'],
    ['192.0.2.19', 550, 550, 550, 'PTR is an address'],
    ['192.0.2.20', 550, 550, 550, 'PTR is no host name'],
    ['192.0.2.21', 550, 550, 550, 'no data'],
    ['192.0.2.22', 550, '',  '',  'has a name with an address of the other family'],
    ['192.0.2.23', 550, 550, 550, 'no such name'],
    ['2001:db8::10', '', '', '',  'IPv6 leads back'],
    ['2001:db8::11', 550, 550, 550, 'IPv6 without name'],
    ['::ffff:192.0.2.10', '', '', '', 'IPv4-mapped'],
    ['nonsense', 550, 550, 550, 'no address'],
);
my $short = "dns_timeout = 1s\n";
zone_plays('asked', $zone, "$client$short", map {
    ("client unknown $_->[0]" => $ok, $rcpt, $_->[1] ? no_name($_->[1], $_->[0]) : $ok) } @clients);
zone_plays('asked, reverse', $zone, "$reverse$short", map {
    ("client unknown $_->[0]" => $ok, $rcpt, $_->[2] ? no_reverse($_->[2], $_->[0]) : $ok) } @clients);
zone_plays('asked, forward', $zone, "$forward$short", map {
    ("client unknown $_->[0]" => $ok, $rcpt, $_->[3] ? no_forward($_->[3], $_->[0]) : $ok) } @clients);
zone_plays('the preset code', $zone, "client_restrictions = reject_unknown_client\n",
    'client unknown 192.0.2.23' => $ok, $rcpt,
    '450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.23]');
zone_plays('a temporary failure defers at once', $zone,
    "client_restrictions = reject_unknown_client_hostname, reject\n",
    'client unknown 192.0.2.15' => $ok, $rcpt, no_name(450, '192.0.2.15'));
zone_plays('warn_if_reject', $zone,
    "client_restrictions = warn_if_reject reject_unknown_client_hostname\n",
    'client unknown 192.0.2.23' => $ok, $rcpt, $ok);

# --- HELO
my $helo = "helo_restrictions = reject_unknown_helo_hostname\nunknown_hostname_reject_code = 550\n$short";
sub bad_helo { my ($code, $name, $why) = @_;
    return ($code == 550 ? '550 5.7.1' : '450 4.7.1') . " <$name>: Helo command rejected: " . ($why // 'Host not found') }
my @helos = (
    ['mail.example', ''], ['onlya.example', ''], ['onlyaaaa.example', ''], ['mx.example', ''],
    ['alias-to.example', ''], ['MAIL.EXAMPLE', ''], ['a.wild.example', ''], ['*.wild.example', ''],
    ['nullhelo.example', '', 'null MX is a host'],
    ['nullhelo2.example', 450, 'A is not known at present'],
    ['a-only-later.example', '', 'A is not known, but there is an MX'],
    ['nothing.example', 550], ['gone.example', 550], ['nodot', 550],
    ['malformed.example', 550, 'a bad MX', 'Malformed DNS server reply'],
    ['halfbad.example', ''],
    ['servfail.example', 450], ['timeout.example', 450], ['bogus.example', 450],
    ['alater.example', 450], ['aaaalater.example', 450], ['mxgone.example', 450],
    ['192.0.2.10', 550, 'an address is no name'], ['mail.example.', 550, 'a dot at the end'],
    ['bad..name', 550], ["b\xC3\xBCcher.example", 550, 'UTF-8'],
    ['[192.0.2.1]', ''], ['[IPv6:2001:db8::1]', ''],
);
zone_plays('HELO', $zone, $helo, map {
    ("helo $_->[0]" => $ok, $rcpt, $_->[1] ? bad_helo($_->[1], $_->[0], $_->[3]) : $ok) } @helos);
zone_plays('HELO, literals', $zone, $helo,
    'helo [nonsense]' => $ok, $rcpt, '501 5.5.2 <[nonsense]>: Helo command rejected: invalid ip address',
    'helo [2001:db8::1]' => $ok, $rcpt, '501 5.5.2 <[2001:db8::1]>: Helo command rejected: invalid ip address');
zone_plays('HELO, old name and preset code', $zone, "helo_restrictions = reject_unknown_hostname\n",
    $rcpt => $ok, 'helo gone.example' => $ok, $rcpt, bad_helo(450, 'gone.example'));

# a temporary failure: only if nothing else refuses, or at once
zone_plays('HELO, defer_if_permit', $zone,
    "helo_restrictions = reject_unknown_helo_hostname\nrecipient_restrictions = reject\n",
    'helo servfail.example' => $ok, $rcpt, '554 5.7.1 <r@there.example>: Recipient address rejected: Access denied');
zone_plays('HELO, defer at once', $zone, "unknown_helo_hostname_tempfail_action = defer\n"
        . "helo_restrictions = reject_unknown_helo_hostname\nrecipient_restrictions = reject\n",
    'helo servfail.example' => $ok, $rcpt, bad_helo(450, 'servfail.example'));
zone_plays('HELO, reject_tempfail_action', $zone, "reject_tempfail_action = defer\n"
        . "helo_restrictions = reject_unknown_helo_hostname\nrecipient_restrictions = reject\n",
    'helo servfail.example' => $ok, $rcpt, bad_helo(450, 'servfail.example'));
zone_plays('HELO, warn_if_reject', $zone, "helo_restrictions = warn_if_reject reject_unknown_helo_hostname\n",
    'helo servfail.example' => $ok, $rcpt, $ok, 'helo gone.example' => $ok, $rcpt, $ok);

# --- sender and recipient: domain, code, why; '' is accepted
my @domains = (
    ['mx.example', ''], ['onlya.example', ''], ['onlyaaaa.example', ''], ['alias-to.example', ''],
    ['MX.Example', ''], ['halfbad.example', ''], ['numeric-mx.example', ''], ['mxlater.example', ''],
    ['gone.example', 550], ['nothing.example', 550], ['nodot', 550], ['bad..name', 550],
    ['192.0.2.10', 550, undef, 'an address without brackets'],
    ['malformed.example', 550, 'Malformed DNS server reply'],
    ['servfail.example', 450], ['bogus.example', 450],
    ['mxgone.example', 450], ['alater.example', 450], ['aaaalater.example', 450],
    ['[192.0.2.1]', ''], ['[nonsense]', ''],
    ['here.example', ''], ['alias.example', ''], ['box.example', ''],
    ['relay.example', 550, undef, 'a relayed domain is looked up'],
    ['timeout.example', 450], # last: what follows would wait for it again
);
my $sender = "sender_restrictions = reject_unknown_sender_domain\nunknown_address_reject_code = 550\n$short$site";
my $recipient = "recipient_restrictions = reject_unknown_recipient_domain\nunknown_address_reject_code = 550\n$short$site";
sub bad { my ($class, $detail, $code, $address, $why) = @_;
    return ($code == 550 ? "550 5.1.$detail" : "450 4.1.$detail") . " <$address>: $class address rejected: " . ($why // 'Domain not found') }
zone_plays('sender', $zone, $sender, 'mail <>' => $ok, $rcpt => $ok, 'mail <local>' => $ok, $rcpt => $ok, map {
    ("mail <a\@$_->[0]>" => $ok, $rcpt, $_->[1] ? bad('Sender', 8, $_->[1], "a\@$_->[0]", $_->[2]) : $ok) } @domains);
zone_plays('recipient', $zone, $recipient, 'rcpt <postmaster>' => $ok, map {
    ("rcpt <a\@$_->[0]>" => $_->[1] ? bad('Recipient', 2, $_->[1], "a\@$_->[0]", $_->[2]) : $ok) } @domains);
zone_plays('null MX', $zone, "$sender$recipient",
    'mail <a@null.example>' => $ok, $rcpt,
    '550 5.7.27 <a@null.example>: Sender address rejected: Domain null.example does not accept mail (nullMX)',
    'mail <A@NullTwo.Example>' => $ok, $rcpt,
    '550 5.7.27 <A@NullTwo.Example>: Sender address rejected: Domain nulltwo.example does not accept mail (nullMX)',
    'mail <>' => $ok,
    'rcpt <a@null.example>' =>
    '556 5.1.10 <a@null.example>: Recipient address rejected: Domain null.example does not accept mail (nullMX)');
zone_plays('U-labels', $zone, "smtputf8_enable = yes\n$sender",
    "mail <a\@b\xC3\xBCcher.example> SMTPUTF8" => $ok, $rcpt, $ok,
    "mail <a\@xn--bcher-kva.example>" => $ok, $rcpt, $ok,
    "mail <a\@n\xC3\xBCll.example> SMTPUTF8" => $ok, $rcpt,
    "550 5.7.27 <a\@n\xC3\xBCll.example>: Sender address rejected: Domain xn--nll-hoa.example does not accept mail (nullMX)",
    "mail <a\@g\xC3\xB6ne.example> SMTPUTF8" => $ok, $rcpt, bad('Sender', 8, 550, "a\@g\xC3\xB6ne.example"));
zone_plays('preset codes, old name', $zone, "sender_restrictions = reject_unknown_address\n",
    'mail <a@gone.example>' => $ok, $rcpt, bad('Sender', 8, 450, 'a@gone.example'));
zone_plays('sender, defer_if_permit', $zone, "recipient_restrictions = reject\n$sender",
    'mail <a@servfail.example>' => $ok, $rcpt, '554 5.7.1 <r@there.example>: Recipient address rejected: Access denied');
zone_plays('sender, defer at once', $zone, "unknown_address_tempfail_action = defer\nrecipient_restrictions = reject\n$sender",
    'mail <a@servfail.example>' => $ok, $rcpt, bad('Sender', 8, 450, 'a@servfail.example'));
zone_plays('sender in another list', $zone, "recipient_restrictions = reject_unknown_sender_domain\n",
    'mail <a@gone.example>' => $ok, $rcpt, bad('Sender', 8, 450, 'a@gone.example'));

# --- words that are none
zone_plays('parameters', $zone, $sender,
    'set unknown_address_tempfail_action later' =>
    'error: -o: error: unknown_address_tempfail_action = later: write defer_if_permit or defer');

done_testing;
