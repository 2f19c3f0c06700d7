#!/usr/bin/perl
# 3-rbl - block lists and allow lists: who is asked about what, filters, replies to the byte, scores, errors
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Test::More;

alarm 120;
my $ok = '250 2.0.0 Ok';
my $rcpt = 'rcpt <a@b.example>';
my $long = 'x' x 250;
my $v6 = join '.', reverse split //, '20010db8000000000000000000000007';

my $zone = write_file('zone', <<"END");
7.2.0.192.bl.example.    A 127.0.0.2
7.2.0.192.bl.example.    A 127.0.0.10
7.2.0.192.txt.example.   A 127.0.0.2
7.2.0.192.txt.example.   TXT "see http://txt.example/?192.0.2.7"
8.2.0.192.txt.example.   A 127.0.0.2
8.2.0.192.txt.example.   TXT "a first" "and a second string"
8.2.0.192.txt.example.   TXT "b other"
9.2.0.192.txt.example.   A 127.0.0.2
9.2.0.192.txt.example.   TXT "$long"
9.2.0.192.txt.example.   TXT "y$long"
9.2.0.192.txt.example.   TXT "z$long"
10.2.0.192.txt.example.  A 127.0.0.2
10.2.0.192.txt.example.  TXT "pay \$rbl_code \${client} caf\\195\\169\\009end"
$v6.bl.example.          A 127.0.0.3
$v6.bl.example.          TXT "six"
bad.example.dbl.example. A 127.0.1.2
bad.example.dbl.example. TXT "a bad domain"
xn--bcher-kva.example.dbl.example. A 127.0.1.2
root.dbl.example.        A 127.0.1.2
1.2.3.4.dbl.example.     A 127.0.1.2
a.123.dbl.example.       A 127.0.1.2
unknown.dbl.example.     A 127.0.1.2
7.2.0.192.wl.example.    A 127.0.5.1
good.example.wl.example. A 127.0.5.1
7.2.0.192.open.example.  A 127.255.255.254
7.2.0.192.shut.example.  A 127.0.0.1
7.2.0.192.parked.example. A 203.0.113.5
7.2.0.192.mixed.example. A 127.0.0.2
7.2.0.192.mixed.example. A 127.255.255.255
\$SERVFAIL 7.2.0.192.dead.example.
\$SERVFAIL good.example.dead.example.
\$SERVFAIL bad.example.dead.example.
END

# Pairs of command and expected answer ('' : any), with the zone file above.
sub asks {
    my ($name, $conf, @pairs) = @_;
    my (@commands, @want);
    while (my ($command, $want) = splice @pairs, 0, 2) {
        push @commands, $command;
        push @want, $want;
    }
    my $path = write_file('milter.conf', "postfix_config_directory =\n$conf");
    my ($out, $err, $status) = run_tamis(join('', map { "$_\n" } @commands),
        'test', '-c', $path, '--zone', $zone, '--session', '-');
    is($status, 0, "$name: the script is read") or diag $err;
    my @got = split /\n/, $out;
    is(scalar @got, scalar @commands, "$name: one line a command");
    for my $i (0 .. $#commands) {
        is($got[$i] // '', $want[$i], "$name: $commands[$i]") if $want[$i] ne '';
    }
    return $err;
}

# What the configuration is refused for.
sub refused {
    my ($conf, $want) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\n$conf");
    my (undef, $err, $status) = run_tamis('', 'check', '--no-dns', '-c', $path);
    is($status, 78, "refused: $conf");
    like($err, qr/^\Q$path:2: error: $want\E$/m, "why: $conf");
}

sub client { return ("client $_[0]", '') }

# --- reject_rbl_client
my $listed = 'Service unavailable; Client host [192.0.2.7] blocked using';
asks('client', "client_restrictions = reject_rbl_client bl.example\n",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example",
    client('h.example 192.0.2.8'), $rcpt, $ok,
    client('h.example 2001:db8::7'), $rcpt,
    '554 5.7.1 Service unavailable; Client host [2001:db8::7] blocked using bl.example; six',
    client('h.example 2001:db8::8'), $rcpt, $ok,
    client('h.example not-an-address'), $rcpt, $ok);
asks('postmaster', "client_restrictions = reject_rbl_client bl.example\n",
    client('h.example 192.0.2.7'), 'rcpt <postmaster>', $ok);
asks('two lists', "client_restrictions = reject_rbl_client wl.example=127.0.0.2, reject_rbl_client bl.example\n",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example");
asks('code', "client_restrictions = reject_rbl_client bl.example\nmaps_rbl_reject_code = 450\n",
    client('h.example 192.0.2.7'), $rcpt, "450 4.7.1 $listed bl.example");
asks('warn_if_reject', "client_restrictions = warn_if_reject reject_rbl_client bl.example\n",
    client('h.example 192.0.2.7'), $rcpt, $ok);
asks('early', "delay_reject = no\nclient_restrictions = reject_rbl_client bl.example\n",
    'client h.example 192.0.2.7', "554 5.7.1 $listed bl.example");
asks('old name', "client_restrictions = reject_rbl bl.example\n",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example");
asks('reject_maps_rbl', "client_restrictions = reject_maps_rbl\nmaps_rbl_domains = wl.example=127.0.0.9, bl.example\n",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example",
    client('h.example 192.0.2.8'), $rcpt, $ok);

asks('in a class', "restriction_classes = lists\nlists = reject_rbl_client bl.example=127.0.0.2\nclient_restrictions = lists\n",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example");
my $values = write_file('values', <<'END');
192.0.2.7  reject_rbl_client bl.example=127.0.0.[2..9]
192.0.2.8  reject_rbl_client bl.example=127.0.0
192.0.2.9  reject_rbl_client
END
asks('in a table', "client_restrictions = check_client_access texthash:$values\n",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example",
    client('h.example 192.0.2.8'), $rcpt, '451 4.3.5 Server configuration error',
    client('h.example 192.0.2.9'), $rcpt, '451 4.3.5 Server configuration error');

# --- filters
my %filter = ('127.0.0.2' => 1, '127.0.0.10' => 1, '127.0.0.[3;10]' => 1, '127.0.0.[3..9]' => 0,
    '127.0.0.[3..10]' => 1, '127.0.1.2' => 0, '[127.0.0.[1..255]]' => 1);
for my $filter (sort keys %filter) {
    asks("filter $filter", "client_restrictions = reject_rbl_client bl.example=$filter\n",
        client('h.example 192.0.2.7'), $rcpt,
        $filter{$filter} ? "554 5.7.1 $listed bl.example" : $ok);
}
my $mend = 'write the filter as 127.0.0.2 or 127.0.0.[2;4..11]';
refused("client_restrictions = reject_rbl_client bl.example=127.0.0\n",
    "bl.example=127.0.0: a \".\" is expected at \"127.0.0>>>\": $mend");
refused("client_restrictions = reject_rbl_client bl.example=127.0.0.[4..2]\n",
    "bl.example=127.0.0.[4..2]: the end of a range is less than its beginning at \"127.0.0.[4..2>>>]\": $mend");
refused("helo_restrictions = reject_rhsbl_helo =127.0.0.2\n",
    '=127.0.0.2: "" is no domain name of a list: write ZONE or ZONE=FILTER');
refused("client_restrictions = permit_dnswl_client a..b\n",
    'a..b: "a..b" is no domain name of a list: write ZONE or ZONE=FILTER');
refused("client_restrictions = reject_rbl_client\n",
    'client_restrictions: reject_rbl_client: needs an argument behind it');
refused("rbl_score_sites = bl.example*two\n",
    'bl.example*two: "two" is no weight: write a whole number, as in bl.example*2');
refused("default_rbl_reply = \$rbl_code \$nonsense\n",
    'default_rbl_reply: "$rbl_code $nonsense" names a macro that there is not');
refused("default_rbl_reply = Go away\n",
    'default_rbl_reply: "Go away" does not begin with a reply code: write $rbl_code in front');

# --- reasons
asks('TXT', "client_restrictions = reject_rbl_client txt.example\n",
    client('h.example 192.0.2.7'), $rcpt,
    "554 5.7.1 $listed txt.example; see http://txt.example/?192.0.2.7",
    client('h.example 192.0.2.8'), $rcpt,
    '554 5.7.1 Service unavailable; Client host [192.0.2.8] blocked using txt.example; a first / b other',
    client('h.example 192.0.2.10'), $rcpt,
    '554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using txt.example; '
        . 'pay $rbl_code ${client} caf   end');
asks('a long reason', "client_restrictions = reject_rbl_client txt.example\ndefault_rbl_reply = 554 5.7.1 \$rbl_reason\n",
    client('h.example 192.0.2.9'), $rcpt, '554 5.7.1 ' . "$long / y" . 'x' x 246);

# --- names and addresses
my @domain = (client('bad.example 192.0.2.1'));
my $because = 'blocked using dbl.example; a bad domain';
asks('rhsbl_client', "client_restrictions = reject_rhsbl_client dbl.example\n",
    @domain, $rcpt, "554 5.7.1 Service unavailable; Client host [bad.example] $because",
    client('unknown 192.0.2.1'), $rcpt, $ok,
    client('good.example 192.0.2.1'), $rcpt, $ok);
asks('rhsbl_reverse_client', "client_restrictions = reject_rhsbl_reverse_client dbl.example\n",
    client('unknown 192.0.2.1 bad.example'), $rcpt,
    "554 5.7.1 Service unavailable; Unverified Client host [bad.example] $because",
    client('unknown 192.0.2.1'), $rcpt, $ok);
asks('rhsbl_helo', "helo_restrictions = reject_rhsbl_helo dbl.example\n",
    'helo bad.example', $ok, $rcpt, "554 5.7.1 Service unavailable; Helo command [bad.example] $because",
    'helo BAD.Example', $ok, $rcpt, "554 5.7.1 Service unavailable; Helo command [BAD.Example] $because",
    map { ("helo $_", $ok, $rcpt, $ok) } 'good.example', '[192.0.2.7]', '1.2.3.4', 'a.123', 'bad..example',
    'bad.example.', '-bad.example');
asks('rhsbl_sender', "sender_restrictions = reject_rhsbl_sender dbl.example\n",
    'mail <s@bad.example>', $ok, $rcpt, "554 5.7.1 Service unavailable; Sender address [s\@bad.example] $because",
    'mail <>', $ok, $rcpt, $ok,
    'mail <s@[192.0.2.7]>', $ok, $rcpt, $ok,
    'mail <s@a.123>', $ok, $rcpt, $ok,
    'mail <s@good.example>', $ok, $rcpt, $ok,
    'mail <root>', $ok, $rcpt, '554 5.7.1 Service unavailable; Sender address [root] blocked using dbl.example',
    "mail <s\@b\xc3\xbccher.example> SMTPUTF8", $ok, $rcpt,
    '554 5.7.1 Service unavailable; Sender address [s@b__cher.example] blocked using dbl.example');
asks('rhsbl_recipient', "recipient_restrictions = reject_rhsbl_recipient dbl.example\n",
    'rcpt <r@bad.example>', "554 5.7.1 Service unavailable; Recipient address [r\@bad.example] $because",
    'rcpt <r@good.example>', $ok);

# --- templates
my %template = (
    '550 5.7.1 no'                        => '550 5.7.1 no',
    '450 5.7.1 no'                        => '450 4.7.1 no',
    '550 no'                              => '550 5.7.1 no',
    '550   2.3.4   no'                    => '550 5.3.4 no',
    '550 5.1.8 no'                        => '550 5.0.0 no',
    '550 5.7.1'                           => '550 5.7.1 Service unavailable',
    '$rbl_code ${rbl_reason?yes}${rbl_reason:none}' => '554 5.7.1 none',
    '$rbl_code ${nobody?yes}no'           => '554 5.7.1 no',
    '$rbl_code ${rbl_reason?{yes}:{no}}'  => '554 5.7.1 no',
    '$rbl_code ${{$rbl_code} == {554} ? {same} : {other}}' => '554 5.7.1 same',
    '$rbl_code $rbl_class|$rbl_what|$rbl_domain|$(rbl_txt)' => '554 5.7.1 Client host|192.0.2.7|bl.example|',
    '$rbl_code $client|$client_address|$client_name|$client_port|$reverse_client_name' =>
        '554 5.7.1 h.example[192.0.2.7]|192.0.2.7|h.example|25000|h.example',
    '$rbl_code $helo_name|$sender|$sender_name|$sender_domain' => '554 5.7.1 helo.example|s@x.example|s|x.example',
    '$rbl_code $recipient|$recipient_name|$recipient_domain' => '554 5.7.1 a@b.example|a|b.example',
    '$rbl_code $server_name costs 5 $$'   => '554 5.7.1 mx.example costs 5 $',
);
for my $template (sort keys %template) {
    asks("template $template",
        "client_restrictions = reject_rbl_client bl.example\nmyhostname = mx.example\ndefault_rbl_reply = $template\n",
        client('h.example 192.0.2.7'), 'helo helo.example', $ok, 'mail <s@x.example>', $ok, $rcpt,
        $template{$template});
}
asks('null sender', "client_restrictions = reject_rbl_client bl.example\ndefault_rbl_reply = 554 \$sender|\$sender_name|\$sender_domain|\n",
    client('h.example 192.0.2.7'), 'mail <>', $ok, $rcpt, '554 5.7.1 <>|<>||');

my $maps = write_file('replies', <<'END');
bl.example             550 5.7.9 by $rbl_domain
bl.example=127.0.0.2   551 5.7.9 filtered $rbl_domain
txt.example            $rbl_code $nobody
dbl.example            521 Go away, $rbl_what: $rbl_reason
END
my $reply_maps = "rbl_reply_maps = texthash:$maps\n";
asks('rbl_reply_maps', "client_restrictions = reject_rbl_client bl.example\n$reply_maps",
    client('h.example 192.0.2.7'), $rcpt, '550 5.7.9 by bl.example');
asks('keyed by zone and filter', "client_restrictions = reject_rbl_client bl.example=127.0.0.2\n$reply_maps",
    client('h.example 192.0.2.7'), $rcpt, '551 5.7.9 filtered bl.example');
asks('another filter has no template', "client_restrictions = reject_rbl_client bl.example=127.0.0.10\n$reply_maps",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example");
asks('a bad template is skipped', "client_restrictions = reject_rbl_client txt.example\n$reply_maps",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed txt.example; see http://txt.example/?192.0.2.7");
asks('for a sender', "sender_restrictions = reject_rhsbl_sender dbl.example\n$reply_maps",
    'mail <s@bad.example>', $ok, $rcpt, '521 5.7.1 Go away, s@bad.example: a bad domain');
asks('a second table', "client_restrictions = reject_rbl_client bl.example\n"
        . "rbl_reply_maps = inline:{ {x.example = 550 no} }, texthash:$maps\n",
    client('h.example 192.0.2.7'), $rcpt, '550 5.7.9 by bl.example');

# --- errors are no listings
for my $list (qw(open shut parked mixed dead)) {
    my $err = asks("$list", "client_restrictions = reject_rbl_client $list.example\n",
        client('h.example 192.0.2.7'), $rcpt, $ok);
    like($err, qr/$list\.example/, "$list: the log tells");
}
for my $list (qw(open shut parked mixed dead)) {
    asks("filter and $list", "client_restrictions = reject_rbl_client $list.example=[0..255].[0..255].[0..255].[0..255]\n",
        client('h.example 192.0.2.7'), $rcpt, $ok);
}

# --- allow lists
my $here = "mydestination = b.example\n";
my $refused = '554 5.7.1 <h.example[192.0.2.7]>: Client host rejected: Access denied';
asks('dnswl', "client_restrictions = permit_dnswl_client wl.example, reject\n$here",
    client('h.example 192.0.2.7'), $rcpt, $ok,
    'rcpt <a@elsewhere.example>', $refused,
    client('h.example 192.0.2.8'), $rcpt, $refused =~ s/192\.0\.2\.7/192.0.2.8/r);
asks('dnswl with filter', "client_restrictions = permit_dnswl_client wl.example=127.0.[5..6].[1..3], reject\n$here",
    client('h.example 192.0.2.7'), $rcpt, $ok);
asks('dnswl with another', "client_restrictions = permit_dnswl_client wl.example=127.0.4.1, reject\n$here",
    client('h.example 192.0.2.7'), $rcpt, $refused);
asks('dnswl ends its list only', "client_restrictions = permit_dnswl_client wl.example\nrecipient_restrictions = reject\n$here",
    client('h.example 192.0.2.7'), $rcpt, '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied');
asks('rhswl', "client_restrictions = permit_rhswl_client wl.example, reject\n$here",
    client('good.example 192.0.2.7'), $rcpt, $ok,
    'rcpt <a@elsewhere.example>', $refused =~ s/h\.example/good.example/r,
    client('unknown 192.0.2.7'), $rcpt, $refused =~ s/h\.example/unknown/r);
for my $list (qw(dead open shut parked)) {
    my $deferred = '450 4.7.1 <192.0.2.7>: Client host rejected: Service unavailable';
    asks("dnswl $list", "client_restrictions = permit_dnswl_client $list.example, reject\n$here",
        client('h.example 192.0.2.7'), $rcpt, $deferred,
        'rcpt <a@elsewhere.example>', $refused);
    asks("dnswl $list, and nothing rejects", "client_restrictions = permit_dnswl_client $list.example\n$here",
        client('h.example 192.0.2.7'), $rcpt, $ok);
}
asks('rhswl dead', "client_restrictions = permit_rhswl_client dead.example, reject\n$here",
    client('good.example 192.0.2.7'), $rcpt,
    '450 4.7.1 <good.example>: Client host rejected: Service unavailable');
asks('a deferral stays one', "client_restrictions = permit_dnswl_client dead.example, defer\n$here",
    client('h.example 192.0.2.7'), $rcpt,
    '450 4.3.2 <h.example[192.0.2.7]>: Client host rejected: Try again later');

asks('permissions of a name that is not known', "client_restrictions = permit_rhswl_client wl.example, reject\n$here",
    client('unknown 192.0.2.7'), 'rcpt <a@elsewhere.example>', $refused =~ s/h\.example/unknown/r);
asks('a routed recipient', "client_restrictions = permit_dnswl_client wl.example, reject\n$here",
    client('h.example 192.0.2.7'), 'rcpt <a%elsewhere.example@b.example>', $refused);
asks('at DATA', "data_restrictions = permit_dnswl_client wl.example, reject\n$here",
    client('h.example 192.0.2.7'), 'mail <s@x.example>', $ok, $rcpt, $ok, 'data', $ok,
    client('h.example 192.0.2.8'), 'data', '554 5.7.1 <DATA>: Data command rejected: Access denied');

# --- scores
my $sites = "rbl_score_sites = bl.example=127.0.0.2*2, txt.example, dead.example*5, open.example*5, wl.example*-2\n";
asks('score', "client_restrictions = reject_rbl_score\n$sites",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example*2, txt.example (score 1)",
    client('h.example 192.0.2.8'), $rcpt,
    '554 5.7.1 Service unavailable; Client host [192.0.2.8] blocked using txt.example (score 1)',
    client('h.example 192.0.2.1'), $rcpt, $ok);
asks('threshold', "client_restrictions = reject_rbl_score\nrbl_score_threshold = 2\n$sites",
    client('h.example 192.0.2.7'), $rcpt, $ok);
asks('own threshold', "client_restrictions = reject_rbl_score 2, reject\n$sites",
    client('h.example 192.0.2.7'), $rcpt, $refused);
asks('own threshold reached', "client_restrictions = reject_rbl_score 3\nrbl_score_threshold = 9\n"
        . "rbl_score_sites = bl.example=127.0.0.2*2 bl.example=127.0.0.[3..11]*+1\n",
    client('h.example 192.0.2.7'), $rcpt, "554 5.7.1 $listed bl.example*2, bl.example (score 3)");
asks('no lists', "client_restrictions = reject_rbl_score, reject\n",
    client('h.example 192.0.2.7'), $rcpt, $refused);
asks('IPv6', "client_restrictions = reject_rbl_score\nrbl_score_sites = bl.example*3\n",
    client('h.example 2001:db8::7'), $rcpt,
    '554 5.7.1 Service unavailable; Client host [2001:db8::7] blocked using bl.example*3 (score 3)');

# --- what `tamis test` shows of it
my $conf = write_file('milter.conf', "postfix_config_directory =\nclient_restrictions = reject_rbl_client bl.example=127.0.0.9, "
    . "reject_rbl_score 2\n$sites");
my $mail = write_file('mail.eml', "From: s\@x.example\nSubject: x\n\nx\n");
my ($out) = run_tamis('', 'test', '-c', $conf, '--zone', $zone, '--client', 'h.example[192.0.2.7]',
    '--from', 's@x.example', '--rcpt', 'a@b.example', $mail);
like($out, qr/^  reject_rbl_client bl\.example=127\.0\.0\.9  rbl bl\.example 192\.0\.2\.7 = 127\.0\.0\.2, 127\.0\.0\.10  -> dunno/m,
    'the raw answer of a list');
like($out, qr/^  reject_rbl_score 2 +rbl_score 192\.0\.2\.7 = 1: bl\.example=127\.0\.0\.2\*2, txt\.example\*1, wl\.example\*-2  -> dunno/m,
    'how a score comes about');
# --- what a step was decided by; an answer is told once; the log's lines come with -v
my $steps = write_file('milter.conf', "postfix_config_directory =\nincoming_recipient_restrictions = reject_iprev_fail, "
    . "reject_spf_softfail, reject_unknown_sender_domain, reject_unknown_helo_hostname, check_sender_mx_access inline:{x=OK}, "
    . "reject_spf_fail\nunknown_hostname_reject_code = 550\nrelay_domains = b.example\nmynetworks = 127.0.0.0/8\n");
my $names = write_file('names', "a.example. MX 10 mx.a.example.\na.example. TXT \"v=spf1 -all\"\nmx.a.example. A 192.0.2.9\n"
    . "h.example. AAAA 2001:db8::1\n");
my @told = ('test', '-c', $steps, '--zone', $names, '--client', '192.0.2.7', '--helo', 'h.example', '--from', 's@a.example',
    '--rcpt', 'a@b.example', $mail);
($out, my $err) = run_tamis('', @told);
is_deeply([map { s/ +\(\S+:\d+\)$//r =~ s/^  (\S+(?: inline:\S+)?) +/$1: /r } grep { / -> / } split /\n/, $out], [
    'reject_iprev_fail: dns PTR 7.2.0.192.in-addr.arpa = no such name  -> dunno',
    "reject_spf_softfail: spf mailfrom s\@a.example 192.0.2.7 h.example = fail domain=a.example term=-all "
        . "why=\"192.0.2.7 matches -all in the record of a.example\" terms=0 voids=0 lookups=1  -> dunno",
    'reject_unknown_sender_domain: dns MX a.example = 10 mx.a.example  -> dunno',
    'reject_unknown_helo_hostname: dns AAAA h.example = 2001:db8::1  -> dunno',
    'check_sender_mx_access inline:{x=OK}: table inline:{x=OK} mx.a.example = not found  -> dunno',
    'reject_spf_fail: as at reject_spf_softfail  -> reject',
], 'steps with the question that decided');
is($err, '', 'no line of syslog');
(undef, $err) = run_tamis('', @told, '-v');
like($err, qr/^tamis: NOQUEUE: reject: RCPT from unknown\[192\.0\.2\.7\]/m, 'but with -v');

refused("client_restrictions = reject_rbl_score 0\n",
    'reject_rbl_score: "0" is no threshold: write a number from 1');

done_testing();
