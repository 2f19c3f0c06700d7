#!/usr/bin/perl
# 2-access - access(5): keys, their order, every action, replies to the byte
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Test::More;

alarm 120;
my $ok = '250 2.0.0 Ok';

# --- actions, on a sender table in sender_restrictions
my $actions = write_file('actions', <<'END');
reject@x.example    REJECT
text@x.example      REJECT you are  not welcome
dsn@x.example       REJECT 5.1.1 no such
soft@x.example      REJECT 4.7.1 x
two@x.example       REJECT 2.7.1 x
defer@x.example     DEFER
deferdsn@x.example  DEFER 5.7.1 x
code450@x.example   450 try
code550@x.example   550 5.7.9 go
code5504@x.example  550 4.7.9 x
code599@x.example   599 odd
code421@x.example   421 later
bare550@x.example   550
digits@x.example    12345
six@x.example       600 x
short@x.example     45 x
word@x.example      FROBNICATE now
ok@x.example        OK whatever
relay@x.example     RELAY
dunno@x.example     DUNNO text
permit@x.example    permit
list@x.example      reject
warnlist@x.example  warn_if_reject, reject
table@x.example     check_sender_access hash:/nowhere
lower@x.example     reJect Mixed case
sp2@x.example       REJECT 5.1.8 a
sp5@x.example       REJECT 5.1.5 a
sp9@x.example       REJECT 5.1.9 a
sp12@x.example      REJECT 5.1.12 a
accent@x.example    REJECT Adresse IP blacklistée
Case@X.Example      REJECT folded
END
plays('actions', "sender_restrictions = check_sender_access texthash:$actions\n",
    map({
        my ($user, $want) = @$_;
        ("mail <$user\@x.example>" => $ok, 'rcpt <b@y.example>' => $want)
    } (
        [ reject   => '554 5.7.1 <reject@x.example>: Sender address rejected: Access denied' ],
        [ text     => '554 5.7.1 <text@x.example>: Sender address rejected: you are  not welcome' ],
        [ dsn      => '554 5.1.7 <dsn@x.example>: Sender address rejected: no such' ],
        [ soft     => '554 5.7.1 <soft@x.example>: Sender address rejected: x' ],
        [ two      => '554 5.7.1 <two@x.example>: Sender address rejected: x' ],
        [ defer    => '450 4.7.1 <defer@x.example>: Sender address rejected: Access denied' ],
        [ deferdsn => '450 4.7.1 <deferdsn@x.example>: Sender address rejected: x' ],
        [ code450  => '450 4.7.1 <code450@x.example>: Sender address rejected: try' ],
        [ code550  => '550 5.7.9 <code550@x.example>: Sender address rejected: go' ],
        [ code5504 => '550 5.7.9 <code5504@x.example>: Sender address rejected: x' ],
        [ code599  => '599 5.7.1 <code599@x.example>: Sender address rejected: odd' ],
        [ code421  => '421 4.7.1 <code421@x.example>: Sender address rejected: later' ],
        [ bare550  => $ok ],
        [ digits   => $ok ],
        [ six      => '451 4.3.5 Server configuration error' ],
        [ short    => '451 4.3.5 Server configuration error' ],
        [ word     => '451 4.3.5 Server configuration error' ],
        [ ok       => $ok ],
        [ relay    => $ok ],
        [ dunno    => $ok ],
        [ permit   => $ok ],
        [ list     => '554 5.7.1 <list@x.example>: Sender address rejected: Access denied' ],
        [ warnlist => $ok ],
        [ table    => '451 4.3.5 Server configuration error' ],
        [ lower    => '554 5.7.1 <lower@x.example>: Sender address rejected: Mixed case' ],
        [ sp2      => '554 5.1.8 <sp2@x.example>: Sender address rejected: a' ],
        [ sp5      => '554 5.1.0 <sp5@x.example>: Sender address rejected: a' ],
        [ sp9      => '554 5.1.0 <sp9@x.example>: Sender address rejected: a' ],
        [ sp12     => '554 5.1.0 <sp12@x.example>: Sender address rejected: a' ],
        [ accent   => '554 5.7.1 <accent@x.example>: Sender address rejected: Adresse IP blacklistée' ],
        [ case     => '554 5.7.1 <case@x.example>: Sender address rejected: folded' ],
    )),
    'mail <CASE@x.EXAMPLE>' => $ok,
    'rcpt <b@y.example>' => '554 5.7.1 <CASE@x.EXAMPLE>: Sender address rejected: folded',
);

# --- the same codes said of a recipient, a client, a HELO name
my $codes = write_file('codes', join '', map { "r$_\@y.example REJECT 5.1.$_ t\n" } 1 .. 9);
plays('recipient codes', "recipient_restrictions = texthash:$codes\n",
    'mail <a@x.example>' => $ok,
    map { ("rcpt <r$_->[0]\@y.example>" =>
        "554 5.1.$_->[1] <r$_->[0]\@y.example>: Recipient address rejected: t") }
        ([1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [6, 6], [7, 3], [8, 2], [9, 0]));
my $classes = write_file('classes', "192.0.2.1 REJECT 5.1.1 t\nbad.helo REJECT 5.1.8 t\njoe REJECT 5.1.1 t\n");
plays('other codes', "client_restrictions = texthash:$classes\n",
    'rcpt <a@b.example>' => '554 5.0.0 <unknown[192.0.2.1]>: Client host rejected: t');
plays('other codes', "helo_restrictions = texthash:$classes\n",
    'helo bad.helo' => $ok,
    'rcpt <a@b.example>' => '554 5.0.0 <bad.helo>: Helo command rejected: t');
plays('other codes', "client_restrictions = check_sasl_access texthash:$classes\n",
    'rcpt <a@b.example>' => $ok,
    'auth joe' => $ok,
    'mail <a@x.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.0.0 <joe>: SASL login name rejected: t');
plays('reverse name', 'client_restrictions = check_reverse_client_hostname_access inline:{{forged.example = REJECT no}, {fine.example = OK}}' . "\n",
    'client unknown 192.0.2.9 forged.example' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <forged.example>: Unverified Client host rejected: no',
    'client unknown 192.0.2.9 fine.example' => $ok,
    'rcpt <a@b.example>' => '451 4.3.5 Server configuration error',
    'client unknown 192.0.2.9' => $ok,
    'rcpt <a@b.example>' => $ok);

# --- the administrator's classic
my $classic = write_file('clients', "10.0.0.50\t\tREJECT\t\tAdresse IP blacklistée\n10.0.0.51 DEFER\n");
plays('classic', "client_restrictions = check_client_access texthash:$classic\n",
    'client unknown 10.0.0.50' => $ok,
    'mail <a@x.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <unknown[10.0.0.50]>: Client host rejected: Adresse IP blacklistée',
    'client host.example 10.0.0.51' => $ok,
    'rcpt <a@b.example>' => '450 4.7.1 <host.example[10.0.0.51]>: Client host rejected: Access denied',
    'client host.example 10.0.0.52' => $ok,
    'rcpt <a@b.example>' => $ok);

# --- keys and their order: each key in turn is the only one left
sub order {
    my ($name, $list, $setup, $rcpt, $shown, $class, @keys) = @_;
    for my $i (0 .. $#keys) {
        my $table = write_file('order', join '', map { "$keys[$_] REJECT key $_\n" } $i .. $#keys);
        plays("$name from $keys[$i]", "$list texthash:$table\nrecipient_delimiter = +\n", @$setup,
            $rcpt => "554 5.7.1 <$shown>: $class rejected: key $i");
    }
}
order('client', 'client_restrictions =', [ 'client Host.Sub.Example.COM 192.0.2.33' => $ok ],
    'rcpt <a@b.example>', 'Host.Sub.Example.COM[192.0.2.33]', 'Client host',
    qw(host.sub.example.com sub.example.com example.com com 192.0.2.33 192.0.2 192.0 192));
order('client v6', 'client_restrictions =', [ 'client unknown 2001:db8:0:1::25' => $ok ],
    'rcpt <a@b.example>', 'unknown[2001:db8:0:1::25]', 'Client host',
    'unknown', '2001:db8:0:1::25', '2001:db8:0:1:', '2001:db8:0:1', '2001:db8:0', '2001:db8', '2001');
order('sender', 'sender_restrictions =', [ 'mail <User+Ext@Dom.Sub.Example.ORG>' => $ok ],
    'rcpt <a@b.example>', 'User+Ext@Dom.Sub.Example.ORG', 'Sender address',
    qw(user+ext@dom.sub.example.org user@dom.sub.example.org dom.sub.example.org sub.example.org
       example.org org user+ext@ user@));
order('quoted', 'sender_restrictions =', [ 'mail <"a b"@x.example>' => $ok ],
    'rcpt <a@b.example>', 'a b@x.example', 'Sender address', '"a b"@x.example', 'x.example', 'example');
order('helo literal', 'helo_restrictions =', [ 'helo [192.0.2.7]' => $ok ],
    'rcpt <a@b.example>', '[192.0.2.7]', 'Helo command', '[192.0.2.7]', '0.2.7]', '2.7]', '7]');

sub missed {
    my ($name, $list, $setup, @keys) = @_;
    my $table = write_file('missed', join '', map { "$_ REJECT\n" } @keys);
    plays("$name misses", "$list texthash:$table\n", @$setup, 'rcpt <a@b.example>' => $ok);
}
missed('dotted parents', 'client_restrictions =', [ 'client h.example.com 192.0.2.3' => $ok ],
    '.example.com', '.com', '.h.example.com');
missed('@domain', 'sender_restrictions =', [ 'mail <u@x.example>' => $ok ], '@x.example', '*', '*@x.example');
missed('extension without delimiter', 'sender_restrictions =', [ 'mail <u+e@x.example>' => $ok ], 'u@x.example');
missed('helo address', 'helo_restrictions =', [ 'helo 192.0.2.7' => $ok ], '0.2.7', '2.7', '192.0.2');
missed('helo none', 'helo_restrictions =', [], 'unknown', 'a');
my $dotted = write_file('dotted', ".example.com REJECT dotted\nexample.com REJECT bare\n");
plays('the other style', "parent_domain_matches_subdomains =\nclient_restrictions = texthash:$dotted\n",
    'client h.example.com 192.0.2.3' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <h.example.com[192.0.2.3]>: Client host rejected: dotted',
    'client example.com 192.0.2.3' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <example.com[192.0.2.3]>: Client host rejected: bare');

# --- special addresses
my $special = write_file('special', <<'END');
<>                   REJECT null
root@here.example    REJECT bare
bob@x.example        REJECT bob
postmaster@y.example REJECT pm
END
plays('special', "myorigin = here.example\nsender_restrictions = texthash:$special\nrecipient_restrictions = texthash:$special\n",
    'mail <>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <>: Sender address rejected: null',
    'mail root' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <root>: Sender address rejected: bare',
    'mail <@r1,@r2:bob@x.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <bob@x.example>: Sender address rejected: bob',
    'mail <"bob"@x.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <bob@x.example>: Sender address rejected: bob',
    'mail <q@q.example>' => $ok,
    'rcpt <postmaster>' => $ok,
    'rcpt <PostMaster>' => $ok,
    'rcpt <postmaster@y.example>' => '554 5.7.1 <postmaster@y.example>: Recipient address rejected: pm',
    'macro {rcpt_addr} bob@x.example' => $ok,
    'rcpt <alias@z.example>' => '554 5.7.1 <alias@z.example>: Recipient address rejected: bob');
plays('null key', "smtpd_null_access_lookup_key = nobody\nsender_restrictions = inline:{{nobody = REJECT}, {<> = OK}}\n",
    'mail <>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <>: Sender address rejected: Access denied');

# --- DUNNO ends the search in its table; the next one goes on
my $first = write_file('first', "sub.example.com DUNNO\nexample.com REJECT parent\n192.0.2.5 REJECT address\n");
my $second = write_file('second', "example.com REJECT second\n");
plays('DUNNO', "client_restrictions = texthash:$first, texthash:$second\n",
    'client h.sub.example.com 192.0.2.5' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <h.sub.example.com[192.0.2.5]>: Client host rejected: second',
    'client h.example.com 192.0.2.5' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <h.example.com[192.0.2.5]>: Client host rejected: parent');

# --- DEFER_IF_REJECT within one list, DEFER_IF_PERMIT across them
my $dir = write_file('dir', "dir\@x.example DEFER_IF_REJECT because of dir\ndip\@x.example DEFER_IF_PERMIT\nboth\@x.example DEFER_IF_PERMIT 4.2.1 dip text\n");
my $rej = write_file('rej', "x.example REJECT later\n");
plays('DEFER_IF_REJECT, same list', "sender_restrictions = texthash:$dir, texthash:$rej\n",
    'mail <dir@x.example>' => $ok,
    'rcpt <a@b.example>' => '450 4.7.1 <dir@x.example>: Sender address rejected: because of dir');
plays('DEFER_IF_REJECT, other list', "sender_restrictions = texthash:$dir\nrecipient_restrictions = reject\n",
    'mail <dir@x.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied');
plays('DEFER_IF_PERMIT', "sender_restrictions = texthash:$dir\nrecipient_restrictions = inline:{{bad\@b.example = REJECT}, {good\@b.example = OK}}\n",
    'mail <dip@x.example>' => $ok,
    'rcpt <good@b.example>' => '450 4.7.1 <dip@x.example>: Sender address rejected: Service unavailable',
    'rcpt <bad@b.example>' => '554 5.7.1 <bad@b.example>: Recipient address rejected: Access denied',
    'mail <both@x.example>' => $ok,
    'rcpt <good@b.example>' => '450 4.2.1 <both@x.example>: Sender address rejected: dip text',
    'mail <other@x.example>' => $ok,
    'rcpt <good@b.example>' => $ok);

# --- OK ends its own list only; discard; whole-message effects do not refuse
plays('OK', "client_restrictions = permit\nrecipient_restrictions = reject\n",
    'rcpt <a@b.example>' => '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied');
plays('effects', "client_restrictions = static:{HOLD wait}, static:{REDIRECT r\@x.example}, static:{BCC b\@x.example}, static:{PREPEND X-A: b}, static:{WARN w}, static:{INFO i}, static:{FILTER x:y}\n",
    'mail <a@x.example>' => $ok, 'rcpt <a@b.example>' => $ok, 'data' => $ok);

plays('what has no extension', "recipient_delimiter = +-\nsender_restrictions = check_sender_access inline:{"
        . join(', ', map { "$_\@x.example=REJECT" } qw(mailer double owner list)) . "}\n",
    map { ("mail <$_\@x.example>" => $ok, 'rcpt <a@b.example>' => $ok) }
        qw(mailer-daemon double-bounce owner-list list-request -list));
plays('what has one', "recipient_delimiter = +-\nsender_restrictions = check_sender_access inline:{list\@x.example=REJECT}\n",
    'mail <list-x@x.example>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <list-x@x.example>: Sender address rejected: Access denied');
plays("$_ ends its list", "sender_restrictions = check_sender_access inline:{x.example=$_}, reject\n",
    'mail <a@x.example>' => $ok, 'rcpt <a@b.example>' => $ok,
    'mail <a@y.example>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <a@y.example>: Sender address rejected: Access denied')
    for qw(OK RELAY 550 permit);

# --- names and addresses as Postfix keeps them
plays('HELO characters', "helo_restrictions = check_helo_access inline:{{?h? = REJECT as kept}}, reject_invalid_helo_hostname\n",
    'helo <h>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <?h?>: Helo command rejected: as kept',
    'helo a;b"(c)\\@' => $ok, 'rcpt <a@b.example>' => '501 5.5.2 <a?b??c???>: Helo command rejected: Invalid name');
plays('mapped address', "client_restrictions = check_client_access inline:{{192.0.2 = REJECT}}\n",
    'client unknown ::ffff:192.0.2.7' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied',
    'client unknown 2001:DB8:0:0::7' => $ok, 'set client_restrictions reject' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <unknown[2001:db8::7]>: Client host rejected: Access denied');
my $user = write_file('user.pcre', "/^\"\"\@x\\.example\$/ REJECT no user\n");
plays('no user', "sender_restrictions = check_sender_access pcre:$user\n",
    'mail <@x.example>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <@x.example>: Sender address rejected: no user',
    'mail <""@x.example>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <@x.example>: Sender address rejected: no user');

# --- what a recipient's OK permits: a source route was taken off, other routes are not trusted
plays('routed', "recipient_restrictions = check_recipient_access inline:{{x.example = OK}}, reject\n",
    'rcpt <@r1,@r2:bob@x.example>' => $ok,
    'rcpt <bob@x.example>' => $ok,
    map { ("rcpt <$_\@x.example>" => "554 5.7.1 <$_\@x.example>: Recipient address rejected: Access denied") }
        'bob%z.example', 'z.example!bob', 'bob@z.example');

# --- a deferral comes before a discard, which stays: for the next recipient and the message
for my $order ('sender_restrictions = static:DEFER_IF_PERMIT, static:DISCARD', "client_restrictions = static:DEFER_IF_PERMIT\nhelo_restrictions = static:DISCARD",
    "sender_restrictions = static:DEFER_IF_PERMIT\nrelay_restrictions = static:DISCARD\nrecipient_restrictions = reject") {
    my ($name, $class) = $order =~ /^client/ ? ('unknown[192.0.2.1]', 'Client host') : ('s@x.example', 'Sender address');
    plays("DISCARD: " . $order =~ tr{\n}{;}r, "$order\n", 'helo h' => $ok, 'mail <s@x.example>' => $ok,
        'rcpt <a@b.example>' => "450 4.7.1 <$name>: $class rejected: Service unavailable",
        'rcpt <b@b.example>' => $ok, 'rcpt <a@b.example>' => $ok, 'data' => $ok);
}

# --- a value that asks too early says nothing
plays('early', "delay_reject = no\nhelo_restrictions = check_helo_access inline:{{h.example = reject_unauth_destination reject_non_fqdn_sender}}\n"
        . "client_restrictions = check_client_access inline:{{192.0.2.9 = reject_invalid_helo_hostname, reject}}\nmydestination = b.example\n",
    'helo h.example' => $ok, 'mail <s@host>' => $ok, 'rcpt <a@b.example>' => $ok,
    'client unknown 192.0.2.9' => '554 5.7.1 <unknown[192.0.2.9]>: Client host rejected: Access denied');

# --- several recipients: what is judged later sees none
my $late = "data_restrictions = check_recipient_access inline:{{one\@b.example = REJECT only one}}\n";
plays('DATA', $late,
    'mail <a@x.example>' => $ok,
    'rcpt <one@b.example>' => $ok,
    'data' => '554 5.7.1 <one@b.example>: Recipient address rejected: only one',
    'rcpt <two@b.example>' => $ok,
    'data' => $ok);
plays('names at DATA', "data_restrictions = reject\nend_of_data_restrictions = defer\n",
    'mail <a@x.example>' => $ok, 'rcpt <one@b.example>' => $ok,
    'data' => '554 5.7.1 <DATA>: Data command rejected: Access denied',
    'message ' . write_file('m.eml', "Subject: x\n\nbody\n") =>
        '450 4.3.2 <END-OF-MESSAGE>: End-of-data rejected: Try again later');

# --- a lookup that has no answer
my $empty = write_file('empty.pcre', "/bad/\n/good/ OK\n");
plays('empty result', "sender_restrictions = check_sender_access pcre:$empty\n",
    'mail <bad@x.example>' => $ok,
    'rcpt <a@b.example>' => '451 4.3.5 <bad@x.example>: Sender address rejected: Server configuration error',
    'mail <good@x.example>' => $ok,
    'rcpt <a@b.example>' => $ok);

my $latin = write_file('latin.pcre', "/bad/ REJECT blacklist\xe9e\n");
plays('a value that is not UTF-8', "sender_restrictions = check_sender_access pcre:$latin\n",
    'mail <bad@x.example>' => $ok,
    'rcpt <a@b.example>' => '451 4.3.5 <bad@x.example>: Sender address rejected: Server configuration error');

# --- long texts are cut at 510 bytes, control characters become blanks
my $long = 'x' x 600;
my $texts = write_file('texts', "long\@x.example REJECT $long\ntab\@x.example REJECT a\tb\n");
plays('texts', "sender_restrictions = texthash:$texts\n",
    'mail <long@x.example>' => $ok,
    'rcpt <a@b.example>' => substr("554 5.7.1 <long\@x.example>: Sender address rejected: $long", 0, 510),
    'mail <tab@x.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <tab@x.example>: Sender address rejected: a b');

done_testing;
