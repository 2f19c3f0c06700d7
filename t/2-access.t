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

# --- what the MTA says of an address is the key, folded; the client's words are the name
my $bob = write_file('bob.pcre', "/^bob\@x\\.example\$/i REJECT bob\n");
plays('resolved', "sender_restrictions = check_sender_access pcre:$bob\nrecipient_restrictions = check_recipient_access pcre:$bob\n",
    'macro {mail_addr} BOB@X.example' => $ok, 'mail <alias@z.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <alias@z.example>: Sender address rejected: bob',
    'macro {mail_addr}' => $ok, 'macro {rcpt_addr} Bob@x.Example' => $ok, 'mail <s@x.example>' => $ok,
    'rcpt <Alias@z.example>' => '554 5.7.1 <Alias@z.example>: Recipient address rejected: bob');
plays('nobody asks about postmaster', "client_restrictions = reject\nmyorigin = here.example\n"
        . "recipient_restrictions = check_recipient_access inline:{{postmaster\@here.example = REJECT}}\n",
    'rcpt <postmaster>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied',
    'set client_restrictions' => $ok, 'rcpt <postmaster>' => $ok,
    'rcpt <postmaster@here.example>' => '554 5.7.1 <postmaster@here.example>: Recipient address rejected: Access denied');
plays('no verified name', "client_restrictions = check_client_access inline:{{unknown = REJECT}}\n",
    'client [192.0.2.9] 192.0.2.9' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <unknown[192.0.2.9]>: Client host rejected: Access denied');
plays('no HELO', "helo_restrictions = reject\nclient_restrictions = check_helo_access static:REJECT\n", 'rcpt <a@b.example>' => $ok);
order('helo with a dot', 'helo_restrictions =', [ 'helo h.bad.example.' => $ok ], 'rcpt <a@b.example>', 'h.bad.example.', 'Helo command',
    'h.bad.example.', 'bad.example.', 'example.');
missed('helo with a dot', 'helo_restrictions =', [ 'helo h.bad.example.' => $ok ], 'h.bad.example', 'bad.example', 'example', '.');
missed('null key', "smtpd_null_access_lookup_key = a.b.example\nsender_restrictions =", [ 'mail <>' => $ok ], 'b.example', 'example', '<>');
missed('an empty user', 'sender_restrictions =', [ 'mail <+e@x.example>' => $ok ], '@x.example', '""@x.example', '""@', '@');
for my $row (['the first delimiter', '+-', 'u+e-f', 'u'], ['a list with another delimiter', '+', 'owner-list+e', 'owner-list'], ['the first of one', '+', 'u+e+f', 'u']) {
    my ($name, $delimiters, $user, $key) = @$row;
    plays($name, "recipient_delimiter = $delimiters\nsender_restrictions = check_sender_access inline:{{$key\@x.example = REJECT}}\n",
        "mail <$user\@x.example>" => $ok, 'rcpt <a@b.example>' => "554 5.7.1 <$user\@x.example>: Sender address rejected: Access denied");
}
plays('postmaster is whole', "recipient_delimiter = t\nsender_restrictions = check_sender_access inline:{{pos\@x.example = REJECT}, {o\@x.example = REJECT}}\n",
    'mail <postmaster@x.example>' => $ok, 'rcpt <a@b.example>' => $ok,
    'mail <other@x.example>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <other@x.example>: Sender address rejected: Access denied');
my $case = write_file('case.regexp', "/^Host/i REJECT as sent\n/^host/i REJECT folded\n/^example\\.com\$/ REJECT a parent\n/^192\\.0\\.2\$/ REJECT a network\n/^u\@\$/ REJECT a user\n");
plays('patterns', "client_restrictions = check_client_access regexp:$case\nhelo_restrictions = check_helo_access regexp:$case\nsender_restrictions = check_sender_access regexp:$case\n",
    'client Host.example.com 192.0.2.9' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <Host.example.com[192.0.2.9]>: Client host rejected: as sent',
    'client h.example.com 192.0.2.9' => $ok, 'helo Host.example.com' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <Host.example.com>: Helo command rejected: as sent',
    'helo h.example.com' => $ok, 'mail <u@example.com>' => $ok, 'rcpt <a@b.example>' => $ok,
    'mail <Host@example.com>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <Host@example.com>: Sender address rejected: folded');
my $error = write_file('error.regexp', "/^\"a b\"/\n/^a b/ OK\n");
plays('an error ends the search', "sender_restrictions = check_sender_access regexp:$error\n",
    'mail <"a b"@x.example>' => $ok, 'rcpt <a@b.example>' => '451 4.3.5 <a b@x.example>: Sender address rejected: Server configuration error');

# --- codes of their own; what is an enhanced code
plays('codes', "mynetworks = 127.0.0.1\naccess_map_reject_code = 551\naccess_map_defer_code = 452\nreject_code = 553\ndefer_code = 455\n"
        . "sender_restrictions = check_sender_access inline:{{r\@x = REJECT}, {d\@x = DEFER}, {p\@x = DEFER_IF_PERMIT}, {k\@x = permit_mynetworks, reject}}, check_sender_access inline:{{i\@x = DEFER_IF_REJECT}}, check_sender_access inline:{{i\@x = REJECT}}\n",
    map { ("mail <$_->[0]\@x>" => $ok, 'rcpt <a@b.example>' => "$_->[1] <$_->[0]\@x>: Sender address rejected: $_->[2]") }
        ['r', '551 5.7.1', 'Access denied'], ['d', '452 4.7.1', 'Access denied'], ['p', '452 4.7.1', 'Service unavailable'], ['i', '452 4.7.1', 'Service unavailable'],
        ['k', '553 5.7.1', 'Access denied']);
for my $row (['5.7.100 x', '5.7.100', 'x'], ['5.7.1000 x', '5.7.1', '5.7.1000 x'], ['5.7.1x y', '5.7.1', '5.7.1x y'], ['5.700.1 x', '5.700.1', 'x'], ['5.7000.1 x', '5.7.1', '5.7000.1 x'],
    ['3.7.1 x', '5.7.1', '3.7.1 x'], ['2.6.0 x', '5.6.0', 'x'], ['5.7 x', '5.7.1', '5.7 x'], ['5.7.1.1 x', '5.7.1', '5.7.1.1 x'], ['5.1 x', '5.7.1', '5.1 x'], ['5.10.2 x', '5.10.2', 'x'],
    ['5.1.20 x', '5.1.0', 'x']) {
    my ($text, $dsn, $shown) = @$row;
    plays("REJECT $text", "sender_restrictions = check_sender_access static:{REJECT $text}\n",
        'mail <s@x>' => $ok, 'rcpt <a@b.example>' => "554 $dsn <s\@x>: Sender address rejected: $shown");
}
plays("sender 5.1.$_->[0]", "sender_restrictions = static:{REJECT 5.1.$_->[0]  t}\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => "554 5.1.$_->[1] <s\@x>: Sender address rejected: t")
    for [0, 0], [1, 7], [2, 8], [3, 7], [4, 7], [5, 0], [6, 7], [7, 7], [8, 8], [9, 0];

# --- deferrals that wait
plays('only what is for good is deferred', "sender_restrictions = static:{DEFER_IF_REJECT wait}, static:{451 soon}\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => '451 4.7.1 <s@x>: Sender address rejected: soon');
plays('the first reason counts', "sender_restrictions = static:{DEFER_IF_REJECT one}, static:{DEFER_IF_REJECT two}, reject\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => '450 4.7.1 <s@x>: Sender address rejected: one');
plays('the first reason counts', "sender_restrictions = static:{DEFER_IF_PERMIT one}\nrecipient_restrictions = static:{DEFER_IF_PERMIT two}\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => '450 4.7.1 <s@x>: Sender address rejected: one');
plays('both end the list', "sender_restrictions = static:{DEFER_IF_REJECT r}, static:{DEFER_IF_PERMIT p}, reject\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => '450 4.7.1 <s@x>: Sender address rejected: p');
plays("$_ goes on", "sender_restrictions = static:{$_}, reject\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <s@x>: Sender address rejected: Access denied')
    for 'HOLD', 'REDIRECT a@b', 'REDIRECT nobody', 'BCC a@b', 'PREPEND X: y', 'PREPEND z', 'WARN', 'INFO x', 'FILTER a:b', 'FILTER', 'DUNNO OK';
plays('a list in a value', "inet_interfaces = 127.0.0.1\nrecipient_restrictions = check_sender_access inline:{{a\@x = permit_inet_interfaces reject}, {b\@x = permit_inet_interfaces defer_if_permit}}, check_client_access static:{permit_inet_interfaces, defer_if_reject}, reject\n",
    'mail <a@x>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <a@x>: Sender address rejected: Access denied',
    'mail <b@x>' => $ok, 'rcpt <a@b.example>' => '450 4.7.0 <b@x>: Sender address rejected: defer_if_permit requested',
    'mail <c@x>' => $ok, 'rcpt <a@b.example>' => '450 4.7.0 <unknown[192.0.2.1]>: Client host rejected: defer_if_reject requested');

# --- DATA and the recipients before it
plays('two at DATA', "data_restrictions = check_recipient_access inline:{{one\@b.example = REJECT}}\n",
    'mail <s@x>' => $ok, 'rcpt <two@b.example>' => $ok, 'rcpt <one@b.example>' => $ok, 'data' => $ok);
plays('a refused one does not count', "recipient_restrictions = inline:{{bad\@b.example = REJECT}}\ndata_restrictions = check_recipient_access inline:{{one\@b.example = REJECT}}\n",
    'mail <s@x>' => $ok, 'rcpt <one@b.example>' => $ok, 'rcpt <bad@b.example>' => '554 5.7.1 <bad@b.example>: Recipient address rejected: Access denied',
    'data' => '554 5.7.1 <one@b.example>: Recipient address rejected: Access denied');
plays('a deferral at DATA', "data_restrictions = check_sender_access static:DEFER_IF_PERMIT\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => $ok, 'data' => '450 4.7.1 <s@x>: Sender address rejected: Service unavailable');
plays('a deferral is no more at DATA', "delay_reject = no\nsender_restrictions = static:DEFER_IF_PERMIT\n",
    'mail <s@x>' => $ok, 'rcpt <postmaster>' => $ok, 'data' => $ok, 'rcpt <a@b.example>' => '450 4.7.1 <s@x>: Sender address rejected: Service unavailable');
plays("a deferral of one recipient, delay_reject = $_", "delay_reject = $_\nrecipient_restrictions = inline:{{a\@b.example = DEFER_IF_PERMIT}}\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => '450 4.7.1 <a@b.example>: Recipient address rejected: Service unavailable', 'rcpt <c@b.example>' => $ok)
    for 'yes', 'no';
plays("a bare table in ${_}_restrictions", "${_}_restrictions = inline:{{a\@b.example = REJECT}, {s\@x = OK}}, reject\n",
    'mail <s@x>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied',
    'mail <t@x>' => $ok, 'rcpt <s@x>' => $ok) for 'relay', 'recipient';
for my $list ('data', 'end_of_data') {
    my ($out, $err, $status) = run_tamis('', 'check', '-c', write_file('bare.conf', "postfix_config_directory =\n${list}_restrictions = static:OK\n"));
    is($status, 78, "a bare table in ${list}_restrictions is an error");
    like("$out$err", qr/:2: error: ${list}_restrictions: static:OK: a bare TYPE:TABLE means nothing in this list/, 'which is said');
}

done_testing;
