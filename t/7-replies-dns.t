#!/usr/bin/perl
# 7-replies-dns - restrictions that ask the DNS: tamis behind Postfix beside Postfix's own, byte for byte
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::NameServer qw(name_server_missing);
use Tamis::Postfix qw(postfix_missing);
use Tamis::PrivateNet qw(private_net);
use Tamis::Smtp;
use Test::More;

alarm 300;
if (my $why = postfix_missing() // name_server_missing()) {
    plan skip_all => $why;
}
# Postfix asks whom resolv.conf names, and that has no port.
if (my $why = private_net()) {
    diag "not compared with Postfix: $why";
    plan skip_all => $why;
}

# What a resolver answers by itself is not compared, as nsd is none: localhost, loops of aliases. Nor is
# what depends on the order of records, which is nobody's promise.
my $long = 'a long reason ' x 14;
my $zone = <<"END";
ns.test.            A     192.0.2.53
ok.example.         MX    10 mail.ok.example.
mail.ok.example.    A     192.0.2.10
a.example.          A     192.0.2.11
a.example.          A     192.0.2.12
aaaa.example.       AAAA  2001:db8::5
both.example.       A     192.0.2.13
both.example.       AAAA  2001:db8::d
null.example.       MX    0 .
nullten.example.    MX    10 .
nullplus.example.   MX    0 .
nullplus.example.   MX    10 mail.ok.example.
nulla.example.      MX    0 .
nulla.example.      A     192.0.2.15
txt.example.        TXT   "neither address nor MX"
alias.example.      CNAME ok.example.
nowhere.example.    CNAME gone.example.
dangling.example.   MX    10 gone.example.
two.example.        MX    10 mx1.two.example.
two.example.        MX    20 mx2.two.example.
mx1.two.example.    A     192.0.2.21
mx2.two.example.    A     192.0.2.22
mxip.example.       MX    10 192.0.2.50.
mxbad.example.      MX    10 -bad-.example.
mxbada.example.     MX    10 -bad-.example.
mxbada.example.     A     192.0.2.10
mxhalf.example.     MX    10 -bad-.example.
mxhalf.example.     MX    20 mx1.two.example.
mxsick.example.     MX    10 mail.sick.example.
under_score.example. A    192.0.2.10
xn--mnchen-3ya.example. MX 10 mx1.two.example.
*.wild.example.     A     192.0.2.30
deep.under.example. A     192.0.2.31

7.2.0.192.bl.example.   A    127.0.0.2
7.2.0.192.bl.example.   TXT  "see http://bl.example/?ip=192.0.2.7 (100% sure)"
8.2.0.192.bl.example.   A    127.0.0.4
8.2.0.192.bl.example.   A    127.0.0.10
9.2.0.192.bl.example.   A    127.0.0.11
9.2.0.192.bl.example.   TXT  "one"
9.2.0.192.bl.example.   TXT  "two" " halves"
10.2.0.192.bl.example.  A    127.0.0.3
10.2.0.192.bl.example.  TXT  "$long" "$long" "$long" "$long"
11.2.0.192.bl.example.  A    127.0.0.3
11.2.0.192.bl.example.  TXT  "tab\\009bell\\007eight\\233\\"quoted\\" back\\\\slash \$name \${x} %d <x>"
12.2.0.192.bl.example.  A    127.0.0.3
12.2.0.192.bl.example.  TXT  ""
13.2.0.192.bl.example.  A    127.0.0.3
13.2.0.192.bl.example.  TXT  "$long"
13.2.0.192.bl.example.  TXT  "$long"
13.2.0.192.bl.example.  TXT  "third $long"
14.2.0.192.bl.example.  TXT  "text alone"
15.2.0.192.bl.example.  CNAME 7.2.0.192.bl.example.
7.2.0.192.bl2.example.  A    127.0.0.5
7.2.0.192.bl2.example.  TXT  "second list"
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example. A 127.0.0.2
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example. TXT "v6"
7.2.0.192.wl.example.   A    127.0.5.1
bad.example.dbl.example.        A    127.0.1.2
bad.example.dbl.example.        TXT  "bad domain"
mail.bad.example.dbl.example.   A    127.0.1.3
xn--mnchen-3ya.example.dbl.example. A 127.0.1.4
bad.example.wl.example.         A    127.0.5.2
1.dbl.example.                  A    127.0.1.9
END
my %hosted = ('hosted.example' => <<'END', 'sick-ns.example' => "@ NS ns.sick.example.\n");
@         NS    ns1.rogue.example.
www       A     192.0.2.41
mail.deep A     192.0.2.42
END
$zone .= "ns1.rogue.example. A 192.0.2.66\n";

my $dns = Tamis::NameServer->new(port => 53, zones => { '.' => $zone, %hosted }, broken => ['sick.example']);
$dns->start;

my $postfix = Tamis::Postfix->new(ipv6 => 1, listeners => { map { $_ => {} } qw(native native2 ours2) });
my $table = 'texthash:' . $postfix->file('servers', <<'END');
mail.ok.example        REJECT host
192.0.2.11             REJECT address
192.0.2.12             550 5.7.9 second address
2001:db8::5            REJECT v6
192.0.2.13             REJECT either
2001:db8::d            REJECT either
mx1.two.example        OK
mx2.two.example        REJECT second
192.0.2.50             REJECT numeric
ns1.rogue.example      REJECT rogue server
rogue.example          REJECT rogue parent
192.0.2.30             DEFER
192.0.2.31             DEFER_IF_PERMIT soon
192.0.2.77             REJECT literal
2001:db8::7            REJECT literal v6
10.example             REJECT no
END
my $none = 'texthash:' . $postfix->file('none', "nothing.example REJECT\n");
my $byaddr = 'texthash:' . $postfix->file('addresses', <<'END');
192.0.2.10  REJECT its address
192.0.2.21  REJECT its first
192.0.2.22  REJECT its second
192.0.2     REJECT its network
END

# A scene: restrictions, then what differs from a good client, greeting and sender.
my @scenes = (
    (map { my $c = $_; map { [$_, %$c] } qw(reject_unknown_client_hostname reject_unknown_reverse_client_hostname
            reject_unknown_client reject_rhsbl_client:dbl.example reject_rhsbl_reverse_client:dbl.example) }
        { name => 'mail.bad.example', reverse_name => 'bad.example' }, { name => undef, reverse_name => 'bad.example' },
        { name => undef, reverse_name => undef }, { name => '[TEMPUNAVAIL]', reverse_name => '[TEMPUNAVAIL]' },
        { name => '[TEMPUNAVAIL]', reverse_name => 'mail.bad.example' }, { name => undef, reverse_name => undef, addr => '2001:db8::99' }),
    (map { ['reject_unknown_helo_hostname', helo => $_] } qw(ok.example mail.ok.example aaaa.example null.example nullten.example
        txt.example alias.example nowhere.example gone.example sick.example x.sick.example mxbad.example mxbada.example dangling.example
        [192.0.2.7] [192.0.2.999] 192.0.2.7 under_score.example x.wild.example bad..name -bad-.example),
        '[IPv6:2001:db8::7]', 'ok.example.', 'a' x 70 . '.example'),
    ['reject_unknown_hostname', helo => 'gone.example'],
    (map { my $d = $_; map { [$_, mail => "<s\@$d>", rcpt => "\@$d"] } qw(reject_unknown_sender_domain reject_unknown_recipient_domain) }
        qw(ok.example a.example aaaa.example null.example nullten.example nullplus.example nulla.example txt.example alias.example
        nowhere.example gone.example sick.example x.sick.example mxbad.example mxbada.example mxhalf.example dangling.example mxip.example mxsick.example
        [192.0.2.7] y.example x.y.example under.example x.wild.example OK.Example Null.Example)),
    ['reject_unknown_address', mail => '<s@gone.example>'],
    ['reject_unknown_sender_domain', mail => '<>'],
    ['reject_unknown_sender_domain', mail => '<postmaster>'],
    ['reject_unknown_sender_domain', mail => '<s@münchen.example> SMTPUTF8', utf8 => 1],
    ['reject_unknown_sender_domain', mail => '<s@köln.example> SMTPUTF8', utf8 => 1],
    ['reject_unknown_sender_domain', mail => '<s%gone.example@ok.example>'],
    ['reject_unknown_sender_domain', mail => '<"a b"@gone.example>'],
    ['reject_unknown_sender_domain, reject', mail => '<s@sick.example>'],
    ['reject_unknown_sender_domain, permit', mail => '<s@sick.example>'],
    ['reject_unknown_sender_domain, reject_unknown_helo_hostname', mail => '<s@sick.example>', helo => 'gone.example'],
    ['reject_unknown_helo_hostname, reject_unknown_sender_domain', mail => '<s@sick.example>', helo => 'x.sick.example'],
    ['warn_if_reject, reject_unknown_sender_domain', mail => '<s@sick.example>'],
    ['warn_if_reject, reject_unknown_sender_domain', mail => '<s@gone.example>'],

    (map { ['reject_rbl_client:bl.example', addr => $_] } (map { "192.0.2.$_" } 7 .. 16), '2001:db8::7', '2001:db8::8'),
    ['reject_rbl:bl.example', addr => '192.0.2.7'],
    ['reject_rbl_client bl2.example, reject_rbl_client bl.example', addr => '192.0.2.7'],
    ['reject_rbl_client bl2.example, reject_rbl_client bl.example', addr => '192.0.2.8'],
    ['reject_rbl_client:bl.sick.example', addr => '192.0.2.7'],
    ['reject_rbl_client bl.sick.example, reject_rbl_client bl.example', addr => '192.0.2.7'],
    ['reject_rbl_client:bl.gone.example', addr => '192.0.2.7'],
    (map { ["reject_rbl_client:bl.example=$_", addr => '192.0.2.8'] } '127.0.0.4', '127.0.0.10', '127.0.0.2', '127.0.0.[2..3]',
        '127.0.0.[2;4..11]', '127.0.[0;1].[0..255]', '[127].0.0.[10]', '127.0.0.[5..9;11..255]', '127.1.0.4'),
    ['reject_rbl_client:bl.example=127.0.0.[2..11]', addr => '192.0.2.7'],
    ['reject_rbl_client:bl.example=127.0.0.[2..11]', addr => '2001:db8::7'],
    ['reject_rbl_client:tpl1.bl.example', addr => '192.0.2.7'],
    (map { ["reject_rhsbl_helo:dbl.example", helo => $_] } qw(bad.example mail.bad.example ok.example [192.0.2.7] 192.0.2.1 under_score.example BAD.Example 1)),
    (map { my $d = $_; map { [$_, mail => "<s$d>", rcpt => $d] } qw(reject_rhsbl_sender:dbl.example reject_rhsbl_recipient:dbl.example) }
        '@bad.example', '@mail.bad.example', '@ok.example', '@[192.0.2.7]', '@BAD.example', '@x.bad.example', '@x.1', ''),
    ['reject_rhsbl_sender:dbl.example', mail => '<>'],
    ['reject_rhsbl_sender:dbl.example', mail => '<s@münchen.example> SMTPUTF8', utf8 => 1],
    ['reject_rhsbl_sender:dbl.example=127.0.1.3', mail => '<s@bad.example>'],
    ['reject_rhsbl_sender:dbl.example=127.0.1.[2..3]', mail => '<s@bad.example>'],
    ['reject_rhsbl_sender:dbl.sick.example', mail => '<s@bad.example>'],
    ['permit_dnswl_client wl.example, reject', addr => '192.0.2.7'],
    ['permit_dnswl_client wl.example, reject', addr => '192.0.2.8'],
    ['permit_dnswl_client wl.example=127.0.[2..5].[1..3], reject', addr => '192.0.2.7'],
    ['permit_dnswl_client wl.example=127.0.[2..4].[1..3], reject', addr => '192.0.2.7'],
    ['permit_dnswl_client wl.example, reject', addr => '192.0.2.7', rcpt => '@elsewhere.example'],
    ['permit_dnswl_client wl.sick.example, reject', addr => '192.0.2.7'],
    ['permit_dnswl_client wl.sick.example, reject_rbl_client bl.example', addr => '192.0.2.7'],
    ['permit_dnswl_client wl.sick.example', addr => '192.0.2.7'],
    ['permit_dnswl_client wl.sick.example, reject', addr => '2001:db8::7'],
    ['permit_rhswl_client wl.example, reject', name => 'bad.example'],
    ['permit_rhswl_client wl.example, reject', name => 'ok.example'],
    ['permit_rhswl_client wl.example, reject', name => undef],
    ['permit_rhswl_client wl.sick.example, reject', name => 'bad.example'],
    ['permit_rhswl_client wl.sick.example, reject_unknown_sender_domain', name => 'bad.example', mail => '<s@gone.example>'],

    (map { my $t = $_; map { my $d = $_; map { ["check_sender_${t}_access:$_", mail => "<s\@$d>"] } $table, $byaddr }
        qw(ok.example a.example aaaa.example both.example null.example txt.example alias.example nowhere.example gone.example sick.example
        two.example mxip.example mxbad.example mxhalf.example dangling.example mxsick.example x.wild.example deep.under.example
        www.hosted.example mail.deep.hosted.example hosted.example x.hosted.example sick-ns.example
        [192.0.2.77] [IPv6:2001:db8::7] y.example) } qw(mx ns a)),
    (map { ["check_sender_${_}_access:$table", mail => '<>'] } qw(mx ns a)),
    (map { ["check_sender_${_}_access:$table", mail => '<s@münchen.example> SMTPUTF8', utf8 => 1] } qw(mx ns a)),
    (map { my $t = $_; map { ["check_helo_${t}_access:$table", helo => $_] }
        qw(ok.example a.example [192.0.2.77] 192.0.2.11 gone.example www.hosted.example localhost), '[IPv6:2001:db8::7]' } qw(mx ns a)),
    (map { my $t = $_; map { ["check_recipient_${t}_access:$table", rcpt => $_] } '@ok.example', '@a.example', '@www.hosted.example', '' } qw(mx ns a)),
    (map { my $t = $_; map { my $w = $_; map { ["check_${w}_${t}_access:$table", name => $_, reverse_name => 'a.example'] }
        'ok.example', 'www.hosted.example', undef } qw(client reverse_client_hostname) } qw(mx ns a)),
    ["check_client_a_access:$table", name => 'a.example', reverse_name => undef],
    ["check_reverse_client_hostname_a_access:$table", name => undef, reverse_name => undef],
);

# Each scene is a restriction class, which the recipient's name chooses.
my (%class, $rcpts);
for my $i (0 .. $#scenes) {
    $class{"scene$i"} = $scenes[$i][0] =~ s/^(\w+):/$1 /r;
    $rcpts .= "r$i\@ scene$i\n";
}
my $list = 'check_recipient_access texthash:' . $postfix->file('scenes', $rcpts);
my $names = join ' ', sort keys %class;
my %common = (mydestination => 'y.example');
my %changed = (
    maps_rbl_reject_code => 550, unknown_client_reject_code => 550, unknown_hostname_reject_code => 551,
    unknown_address_reject_code => 552, unknown_helo_hostname_tempfail_action => 'defer',
    unknown_address_tempfail_action => 'defer',
    default_rbl_reply => '$rbl_code 5.7.99 $rbl_class [$rbl_what] by $rbl_domain${rbl_reason?: $rbl_reason}${rbl_reason:!} for $recipient from $sender ($client, $client_address, $client_name, $reverse_client_name, $helo_name)',
    rbl_reply_maps => 'texthash:' . $postfix->file('templates', <<'END'),
bl2.example                   421 4.7.2 ask $rbl_domain, $recipient_domain
dbl.example                   $rbl_code $rbl_txt ${sender_domain} ${sender_name} ${ccert_subject?yes}${ccert_subject:no}
bl.example=127.0.0.4          nonsense $rbl_code
bl.example=127.0.0.10         $rbl_code
bl.example=127.0.0.[2;4..11]  599 2.7.1 odd class
dbl.example=127.0.1.[2..3]    $rbl_code 5.1.1 ${rbl_txt
END
);
my @filters;
for my $set ({}, \%changed) {
    my %all = (%class, %common, %$set, recipient_restrictions => $list, restriction_classes => $names,
        mynetworks => '127.0.0.0/8', myorigin => 'test.example', authentication_results => '');
    push @filters, Tamis::Filter->new(conf => join '', map { "$_ = $all{$_}\n" } sort keys %all);
}
ok($_->start, 'tamis starts') or BAIL_OUT($_->stderr) for @filters;
my %native = (smtpd_milters => '', smtpd_recipient_restrictions => $list);
$postfix->{opt}{params} = { %class, %common, smtpd_restriction_classes => $names };
$postfix->{opt}{listeners} = {
    native  => { %native },
    native2 => { %native, %changed },
    ours2   => { smtpd_milters => $filters[1]->milter },
};
$postfix->{opt}{smtp} = { smtpd_milters => $filters[0]->milter };
$postfix->write_config;
ok($postfix->start, 'Postfix starts');

# Plays one scene at one listener; returns what the client read, without the queue id.
sub scene {
    my ($listener, $i) = @_;
    my ($what, %of) = @{ $scenes[$i] };
    my %client = (name => 'client.example', addr => '192.0.2.1', reverse_name => 'client.example',
        map { $_ => $of{$_} } grep { exists $of{$_} } qw(name addr reverse_name));
    my $said = Tamis::Smtp->play(
        port => $postfix->port($listener),
        client => \%client,
        ($of{utf8} ? 'ehlo' : 'helo') => $of{helo} // 'fine.example',
        mail => $of{mail} // '<sender@fine.example>',
        rcpt => [ '<r' . $i . (length($of{rcpt} // '') ? $of{rcpt} : '@y.example') . '>' ],
    );
    return join "\n", map { defined $_ ? $_ : '(closed)' } $said->{mail}, @{ $said->{rcpt} };
}

for my $i (0 .. $#scenes) {
    my ($what, %of) = @{ $scenes[$i] };
    for my $pair (['native', 'smtp', ''], ['native2', 'ours2', ', other codes']) {
        my $native = scene($pair->[0], $i);
        my $name = join(' ', $what =~ s{texthash:\S*/}{}gr, map { "$_=" . ($of{$_} // '-') } sort keys %of) . $pair->[2];
        is(scene($pair->[1], $i) =~ s/^(.{510}).*$/$1/mr, $native =~ s/^(.{510}).*$/$1/mr, $name);
    }
}
is($_->stop, 0, 'tamis ends well') for @filters;
done_testing;
