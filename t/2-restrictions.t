#!/usr/bin/perl
# 2-restrictions - every restriction that is judged here: replies to the byte, classes, nesting, warn_if_reject
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Test::More;

alarm 120;
my $ok = '250 2.0.0 Ok';
my $site = "mydestination = here.example, relay.\$mydomain\nmydomain = example\nmyorigin = here.example\nmynetworks = 127.0.0.0/8, [::1]/128, 192.168.2.125/32, [2001:910:109c::]/48\n";
my @rcpt = ('rcpt <a@b.example>');

# --- permit, reject, defer and their names in every list
my %subject = (
    client_restrictions    => '<unknown[192.0.2.1]>: Client host',
    helo_restrictions      => '<h.example>: Helo command',
    sender_restrictions    => '<s@x.example>: Sender address',
    relay_restrictions     => '<a@b.example>: Recipient address',
    recipient_restrictions => '<a@b.example>: Recipient address',
);
for my $list (sort keys %subject) {
    for my $spelling ($list, "smtpd_$list") {
        plays($spelling, "$spelling = reject\n", 'helo h.example' => $ok, 'mail <s@x.example>' => $ok,
            'rcpt <a@b.example>' => "554 5.7.1 $subject{$list} rejected: Access denied");
    }
    plays($list, "$list = defer\n", 'helo h.example' => $ok, 'mail <s@x.example>' => $ok,
        'rcpt <a@b.example>' => "450 4.3.2 $subject{$list} rejected: Try again later");
    plays($list, "$list = defer_if_reject, reject\n", 'helo h.example' => $ok, 'mail <s@x.example>' => $ok,
        'rcpt <a@b.example>' => "450 4.7.0 $subject{$list} rejected: defer_if_reject requested");
    plays($list, "$list = defer_if_permit\n", 'helo h.example' => $ok, 'mail <s@x.example>' => $ok,
        'rcpt <a@b.example>' => "450 4.7.0 $subject{$list} rejected: defer_if_permit requested");
    plays($list, "$list = permit, reject\n", 'helo h.example' => $ok, 'mail <s@x.example>' => $ok,
        'rcpt <a@b.example>' => $ok);
}
plays('codes', "client_restrictions = reject\nreject_code = 550\n", $rcpt[0] =>
    '550 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied');
plays('codes', "client_restrictions = defer\ndefer_code = 451\n", $rcpt[0] =>
    '451 4.3.2 <unknown[192.0.2.1]>: Client host rejected: Try again later');

# --- delay_reject = no: each list answers in its own time
plays('early', "delay_reject = no\nclient_restrictions = check_client_access inline:{{192.0.2.9 = REJECT c}}\n"
        . "helo_restrictions = check_helo_access inline:{{bad = REJECT h}}\n"
        . "sender_restrictions = check_sender_access inline:{{s\@x.example = REJECT s}}\n",
    'client unknown 192.0.2.9' => '554 5.7.1 <unknown[192.0.2.9]>: Client host rejected: c',
    'client unknown 192.0.2.8' => $ok,
    'helo bad' => '554 5.7.1 <bad>: Helo command rejected: h',
    'helo good' => $ok,
    'mail <s@x.example>' => '554 5.7.1 <s@x.example>: Sender address rejected: s',
    'mail <t@x.example>' => $ok,
    'rcpt <a@b.example>' => $ok);

plays('a deferral since MAIL comes before a discard', "delay_reject = no\nclient_restrictions = inline:{{192.0.2.9 = DEFER_IF_PERMIT client}}\n"
        . "sender_restrictions = inline:{{a\@x.example = DEFER_IF_PERMIT sender}}, static:DISCARD\nrecipient_restrictions = reject\n",
    'mail <a@x.example>' => $ok, 'rcpt <a@b.example>' => '450 4.7.1 <a@x.example>: Sender address rejected: sender',
    'rcpt <postmaster>' => $ok, 'rcpt <c@b.example>' => '450 4.7.1 <a@x.example>: Sender address rejected: sender',
    'mail <b@x.example>' => $ok, 'rcpt <a@b.example>' => $ok,
    'client unknown 192.0.2.9' => $ok, 'mail <b@x.example>' => $ok,
    'rcpt <a@b.example>' => '450 4.7.1 <unknown[192.0.2.9]>: Client host rejected: client');

# --- networks and logins
my $gate = "client_restrictions = permit_mynetworks, reject\n$site";
plays('mynetworks', $gate,
    'client unknown 192.168.2.125' => $ok, @rcpt, $ok,
    'client unknown 192.168.2.124' => $ok, @rcpt, '554 5.7.1 <unknown[192.168.2.124]>: Client host rejected: Access denied',
    'client unknown 2001:910:109c:5::1' => $ok, @rcpt, $ok,
    'client unknown 2001:910:109d::1' => $ok, @rcpt, '554 5.7.1 <unknown[2001:910:109d::1]>: Client host rejected: Access denied',
    'client localhost 127.1.2.3' => $ok, @rcpt, $ok,
    'client localhost ::1' => $ok, @rcpt, $ok,
    'client odd not-an-address' => $ok, @rcpt, '554 5.7.1 <odd[not-an-address]>: Client host rejected: Access denied');
plays('excluded', "mynetworks = !192.168.2.1, 192.168.2.0/24\nclient_restrictions = permit_mynetworks, reject\n",
    'client unknown 192.168.2.2' => $ok, @rcpt, $ok,
    'client unknown 192.168.2.1' => $ok, @rcpt, '554 5.7.1 <unknown[192.168.2.1]>: Client host rejected: Access denied');
plays('permit_inet_interfaces', "inet_interfaces = 127.0.0.1\nclient_restrictions = permit_inet_interfaces, reject\n",
    'client localhost 127.0.0.1' => $ok, @rcpt, $ok,
    'client localhost 192.0.2.77' => $ok, @rcpt, '554 5.7.1 <localhost[192.0.2.77]>: Client host rejected: Access denied');
plays('login', "recipient_restrictions = permit_sasl_authenticated, reject\n",
    'mail <s@x.example>' => $ok, @rcpt, '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied',
    'auth joe LOGIN' => $ok, 'mail <s@x.example>' => $ok, @rcpt, $ok);
plays('certificate', "client_restrictions = permit_tls_all_clientcerts, reject\n",
    'helo h.example' => $ok, @rcpt, '554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied',
    'macro {cert_subject} me' => $ok, @rcpt, $ok);
plays('TLS', "client_restrictions = reject_plaintext_session\n",
    'helo h.example' => $ok, @rcpt, '450 4.7.1 Session encryption is required',
    'macro {tls_version} TLSv1.3' => $ok, @rcpt, $ok);

# --- HELO names
my %helo = (
    'h.example'       => [ $ok, $ok ],
    'h.example.'      => [ $ok, $ok ],
    'localhost'       => [ $ok, '504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname' ],
    'a_b.example'     => [ $ok, $ok ],
    'bad!name.example' => [ '501 5.5.2 <bad!name.example>: Helo command rejected: Invalid name',
        '504 5.5.2 <bad!name.example>: Helo command rejected: need fully-qualified hostname' ],
    'a..b'            => [ '501 5.5.2 <a..b>: Helo command rejected: Invalid name',
        '504 5.5.2 <a..b>: Helo command rejected: need fully-qualified hostname' ],
    '-a.example'      => [ '501 5.5.2 <-a.example>: Helo command rejected: Invalid name',
        '504 5.5.2 <-a.example>: Helo command rejected: need fully-qualified hostname' ],
    '[192.0.2.7]'     => [ $ok, $ok ],
    '[IPv6:2001:db8::7]' => [ $ok, $ok ],
    '[2001:db8::7]'   => [ '501 5.5.2 <[2001:db8::7]>: Helo command rejected: invalid ip address' ] ,
    '[192.0.2]'       => [ '501 5.5.2 <[192.0.2]>: Helo command rejected: invalid ip address' ],
    '192.0.2.7'       => [ $ok, '504 5.5.2 <192.0.2.7>: Helo command rejected: need fully-qualified hostname' ],
    '1.2'             => [ '501 5.5.2 <1.2>: Helo command rejected: Invalid name',
        '504 5.5.2 <1.2>: Helo command rejected: need fully-qualified hostname' ],
);
for my $name (sort keys %helo) {
    my ($invalid, $fqdn) = @{ $helo{$name} };
    plays('invalid_helo', "helo_restrictions = reject_invalid_helo_hostname\n",
        "helo $name" => $ok, @rcpt, $invalid);
    plays('non_fqdn_helo', "helo_restrictions = reject_non_fqdn_helo_hostname\n",
        "helo $name" => $ok, @rcpt, $fqdn // $invalid);
}
plays('no HELO', "helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname\n", @rcpt, $ok);
plays('old names', "helo_restrictions = reject_invalid_hostname, reject_non_fqdn_hostname\n",
    'helo localhost' => $ok, @rcpt, '504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname');
plays('naked address', "helo_restrictions = permit_naked_ip_address, reject\n",
    'helo 192.0.2.7' => $ok, @rcpt, $ok,
    'helo [192.0.2.7]' => $ok, @rcpt, '554 5.7.1 <[192.0.2.7]>: Helo command rejected: Access denied',
    'helo 1.2' => $ok, @rcpt, '501 5.5.2 <1.2>: Helo command rejected: invalid ip address');

# --- addresses
plays('non_fqdn_sender', "sender_restrictions = reject_non_fqdn_sender\n",
    'mail <a@host>' => $ok, @rcpt, '504 5.5.2 <a@host>: Sender address rejected: need fully-qualified address',
    'mail <a>' => $ok, @rcpt, '504 5.5.2 <a>: Sender address rejected: need fully-qualified address',
    'mail <a@x.example>' => $ok, @rcpt, $ok,
    'mail <a@[192.0.2.1]>' => $ok, @rcpt, $ok,
    'mail <>' => $ok, @rcpt, $ok,
    'mail <a@é.example>' => $ok, @rcpt, '504 5.5.2 <a@é.example>: Sender address rejected: need fully-qualified address',
    'mail <a@é.example> SMTPUTF8' => $ok, @rcpt, $ok);
plays('non_fqdn_recipient', "recipient_restrictions = reject_non_fqdn_recipient\n",
    'rcpt <a@host>' => '504 5.5.2 <a@host>: Recipient address rejected: need fully-qualified address',
    'rcpt <a@b.example>' => $ok);
my $dest = "$site" . "relay_domains = .sub.example\nvirtual_alias_domains = virt.example\n";
plays('destinations', "relay_restrictions = reject_unauth_destination\n$dest",
    'rcpt <a@here.example>' => $ok,
    'rcpt <a@HERE.example>' => $ok,
    'rcpt <a@relay.example>' => $ok,
    'rcpt <a@virt.example>' => $ok,
    'rcpt <a>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <a@b.example>: Relay access denied',
    'rcpt <a%b.example@here.example>' => '554 5.7.1 <a%b.example@here.example>: Relay access denied',
    'rcpt <@here.example:a@b.example>' => '554 5.7.1 <a@b.example>: Relay access denied');
plays('defer_unauth', "relay_restrictions = defer_unauth_destination\n$dest",
    'rcpt <a@here.example>' => $ok,
    'rcpt <a@b.example>' => '454 4.7.1 <a@b.example>: Relay access denied');
plays('permit_auth', "relay_restrictions = permit_auth_destination, reject\n$dest",
    'rcpt <a@here.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied');
plays('check_relay_domains', "relay_restrictions = check_relay_domains\n$dest",
    'rcpt <a@here.example>' => $ok,
    'rcpt <a@b.example>' => '554 5.7.1 <a@b.example>: Recipient address rejected: Relay access denied');
plays('bounces', "recipient_restrictions = reject_multi_recipient_bounce\ndata_restrictions = reject_multi_recipient_bounce\n",
    'mail <>' => $ok, 'rcpt <a@b.example>' => $ok,
    'rcpt <b@b.example>' => '550 5.5.3 <b@b.example>: Recipient address rejected: Multi-recipient bounce',
    'data' => $ok,
    'mail <s@x.example>' => $ok, 'rcpt <a@b.example>' => $ok, 'rcpt <b@b.example>' => $ok);
plays('bounces at DATA', "data_restrictions = reject_multi_recipient_bounce\n",
    'mail <>' => $ok, 'rcpt <a@b.example>' => $ok, 'rcpt <b@b.example>' => $ok,
    'data' => '550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce');

# --- what Postfix asks for before any list
plays('helo_required', "helo_required = yes\n",
    'mail <s@x.example>' => $ok, 'rcpt <a@b.example>' => '503 5.5.1 Error: send HELO/EHLO first',
    'helo h' => $ok, 'mail <s@x.example>' => $ok, 'rcpt <a@b.example>' => $ok);
plays('helo_required, early', "helo_required = yes\ndelay_reject = no\n",
    'mail <s@x.example>' => '503 5.5.1 Error: send HELO/EHLO first');
plays('brackets', "strict_rfc821_envelopes = yes\n",
    'mail s@x.example' => $ok, 'rcpt <a@b.example>' => '501 5.1.7 Bad sender address syntax',
    'mail <s@x.example>' => $ok, 'rcpt a@b.example' => '501 5.1.3 Bad recipient address syntax',
    'rcpt <a@b.example>' => $ok,
    (map { ("mail $_" => $ok, 'rcpt <a@b.example>' => '501 5.1.7 Bad sender address syntax') }
        's@x.example>', '<s@x.example', '<@x.example>', '<(c)s@x.example>', '<s(c)@x.example>', '<g:s@x.example;>'),
    (map { ("mail $_" => $ok, 'rcpt <a@b.example>' => $ok) }
        '<>', '<s>', '<@r:s@x.example>', '<s:t@x.example>', '<"(c)"@x.example>', '<\\(c@x.example>', '<s@[IPv6:::1]>', '<"a;\\";"@x.example>'),
    'mail <s@x.example>' => $ok, 'rcpt <@b.example>' => '501 5.1.3 Bad recipient address syntax',
    'rcpt <a(c)@b.example>' => '501 5.1.3 Bad recipient address syntax');

# --- what trivial-rewrite makes of a route behind a domain of our own
my $routes = write_file('routes', "u\@x.example REJECT there\nu\@z.example REJECT back\n");
plays('routes', "mydestination = here.example, there.example\nmyorigin = here.example\nrecipient_delimiter =\ninet_interfaces = 127.0.0.1\n"
        . "sender_restrictions = texthash:$routes\nrecipient_restrictions = texthash:$routes\n",
    (map { ("rcpt <$_>" => "554 5.7.1 <$_>: Recipient address rejected: there", "mail <$_>" => $ok,
        'rcpt <q@q.example>' => "554 5.7.1 <$_>: Sender address rejected: there", 'mail <q@q.example>' => $ok) }
        'u%x.example@here.example', 'x.example!u@here.example', 'u@x.example@here.example', 'u%x.example', 'x.example!u',
        'u%x.example%there.example@here.example', 'here.example!x.example!u@there.example', 'U%X.example@[127.0.0.1]'),
    (map { ("rcpt <$_>" => $ok) } 'u%x.example@q.example', 'x.example!u@q.example', 'u%x.example@[192.0.2.9]', '%x.example@here.example', 'x.example!u%there.example@here.example'),
    'macro {rcpt_addr} u%x.example@here.example' => $ok,
    'rcpt <u%x.example@here.example>' => $ok);

# --- warn_if_reject, classes, nesting
my $nested = write_file('nested', "a\@b.example stern\nb\@b.example stern, permit\nc\@b.example loop\nd\@b.example reject_non_fqdn_sender, reject\ne\@b.example lax, reject\n");
my $classes = "restriction_classes = stern lax loop\nstern = warn_if_reject reject, reject_non_fqdn_sender\nlax = permit\nloop = loop\n";
plays('classes', "recipient_restrictions = check_recipient_access texthash:$nested\n$classes",
    'mail <s@host>' => $ok,
    'rcpt <a@b.example>' => '504 5.5.2 <s@host>: Sender address rejected: need fully-qualified address',
    'mail <s@x.example>' => $ok,
    'rcpt <a@b.example>' => $ok,
    'rcpt <b@b.example>' => $ok,
    'rcpt <c@b.example>' => '451 4.3.5 Server configuration error',
    'rcpt <d@b.example>' => '554 5.7.1 <d@b.example>: Recipient address rejected: Access denied',
    'rcpt <e@b.example>' => $ok);
plays('class in a list', "recipient_restrictions = stern, reject\n$classes",
    'mail <s@x.example>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied');
plays('class with a bare table', "restriction_classes = cls\ncls = inline:{{s\@x.example = REJECT as sender}, {a\@b.example = REJECT as recipient}}\nsender_restrictions = cls\n",
    'mail <s@x.example>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <s@x.example>: Sender address rejected: as sender');
plays('warn_if_reject covers what is nested', "recipient_restrictions = warn_if_reject stern, permit\n$classes",
    'mail <s@host>' => $ok, 'rcpt <a@b.example>' => $ok);
plays('warn_if_reject covers one', "recipient_restrictions = warn_if_reject reject, reject\n",
    'mail <s@host>' => $ok, 'rcpt <a@b.example>' => '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied');
plays('warn_if_reject never hides a broken configuration', "recipient_restrictions = warn_if_reject check_recipient_access inline:{{a\@b.example = NONSENSE}}\n",
    'rcpt <a@b.example>' => '451 4.3.5 Server configuration error');

# --- classes of every odd kind
plays('classes that name each other', "restriction_classes = ca, cb\nca = permit_mynetworks, cb\ncb = ca\n$site" . "client_restrictions = ca\n",
    'client unknown 192.0.2.9' => $ok, @rcpt, '451 4.3.5 Server configuration error',
    'client unknown 127.0.0.1' => $ok, @rcpt, $ok);
plays("warned of, a loop is an error: $_", "restriction_classes = ca cb\nca = cb\ncb = ca\n$_", @rcpt, '451 4.3.5 Server configuration error')
    for "client_restrictions = warn_if_reject ca, permit\n", "client_restrictions = check_client_access static:ca\n",
        "recipient_restrictions = warn_if_reject check_recipient_access inline:{{b.example = cb}}\n";
plays('a class named as a table type, an action, a number',
    "restriction_classes = hash OK 550\nhash = reject_non_fqdn_sender\nOK = reject\n550 = defer\n"
        . "sender_restrictions = hash\nrecipient_restrictions = inline:{{a\@b.example = OK}, {b\@b.example = 550}, {c\@b.example = hash OK}, {d\@b.example = 550 OK}}, 550, OK\n",
    'mail <s@host>' => $ok, @rcpt, '504 5.5.2 <s@host>: Sender address rejected: need fully-qualified address',
    'mail <s@x.example>' => $ok, 'rcpt <a@b.example>' => $ok, 'rcpt <b@b.example>' => $ok,
    'rcpt <c@b.example>' => '554 5.7.1 <c@b.example>: Recipient address rejected: Access denied',
    'rcpt <d@b.example>' => '550 5.7.1 <d@b.example>: Recipient address rejected: OK',
    'rcpt <e@b.example>' => '450 4.3.2 <e@b.example>: Recipient address rejected: Try again later');
plays('a class of separators only', "restriction_classes = none\nnone = ,\nclient_restrictions = none, check_client_access static:none, reject\n",
    @rcpt, '554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied');
plays('warn_if_reject around a value that names a class', "restriction_classes = no, maybe\nno = reject\nmaybe = warn_if_reject no\n"
        . "recipient_restrictions = warn_if_reject check_recipient_access inline:{{a\@b.example = no}}, check_recipient_access inline:{{b\@b.example = maybe, no}, {c\@b.example = warn_if_reject maybe}}\n",
    'rcpt <a@b.example>' => $ok,
    'rcpt <b@b.example>' => '554 5.7.1 <b@b.example>: Recipient address rejected: Access denied',
    'rcpt <c@b.example>' => $ok);
my $misfit = "restriction_classes = bare\nbare = inline:{{s\@x.example = REJECT}}\n"
    . "sender_restrictions = static:bare\ndata_restrictions = check_recipient_access inline:{{b\@b.example = bare}}\n";
plays('a class that this list cannot have', $misfit,
    'mail <t@x.example>' => $ok, 'rcpt <b@b.example>' => $ok, 'data' => '451 4.3.5 Server configuration error',
    'mail <s@x.example>' => $ok, 'rcpt <b@b.example>' => '554 5.7.1 <s@x.example>: Sender address rejected: Access denied');
for my $row (['misfit', 0, $misfit, qr/^b\@b\.example: the class bare cannot be used in data_restrictions: answers 451 4\.3\.5$/m],
    ['unknown', 78, "restriction_classes = ca\nca = frobnicate\nclient_restrictions = static:ca\n", qr/:3: error: class ca: frobnicate: nobody knows/],
    ['unused', 78, "restriction_classes = ca\nca = frobnicate\n", qr/:3: error: class ca: frobnicate: nobody knows/],
    ['no file', 78, "restriction_classes = ca\nca = check_client_access texthash:/nonexistent\nclient_restrictions = static:ca\n", qr/:3: error: class ca: \/nonexistent: no such file/],
    ['two', 78, "restriction_classes = ca cb cc\nca = cb\ncb = cc frob\ncc = nicate\nclient_restrictions = ca\n", qr/:4: error: .*frob: nobody.*\n.*:5: error: .*nicate: nobody.*\n\z/],
    ['empty', 78, "restriction_classes = ca\nca =\n", qr/restriction_classes: ca needs a definition/],
    ['a restriction', 78, "restriction_classes = permit\npermit = reject\n", qr/permit is a restriction's name already/],
    ['a parameter', 78, "restriction_classes = mode\n", qr/mode needs a definition/],
    ['for its list only', 0, "restriction_classes = ca\nca = inline:{{s\@x.example = REJECT}}\nsender_restrictions = ca\n", qr/\A(?!.*never matches)/s]) {
    my ($name, $exit, $text, $want) = @$row;
    my ($out, $err, $status) = run_tamis('', 'check', '-c', write_file('class.conf', "postfix_config_directory =\n$text"));
    is("$status", $exit, "check, $name: status");
    my @said = map { s/^\S*?class\.conf:\d+: warning: //r } grep { /error|warning/ && !/usable:/ } split /\n/, "$out\n$err";
    like(join('', map { "$_\n" } sort @said), $want, "check, $name: what it says");
}

# --- a reply code that is none: defer_unauth_destination says 100 less than relay_domains_reject_code
plays('no reply code', "mydestination = b.example\nrelay_domains_reject_code = 450\nrecipient_restrictions = defer_unauth_destination\n",
    'rcpt <a@c.example>' => '450 4.7.1 Service unavailable', 'rcpt <a@b.example>' => $ok);

# --- local submission is never refused
plays('local', "client_restrictions = reject\nsender_restrictions = reject\nrecipient_restrictions = reject\nhelo_required = yes\ndata_restrictions = reject\nend_of_data_restrictions = reject\n",
    'macro {daemon_port} 0' => $ok, 'mail s@x.example' => $ok, 'rcpt a@b.example' => $ok, 'data' => $ok);

# --- direction
plays('direction', "incoming_recipient_restrictions = reject\noutgoing_recipient_restrictions = permit\n$site",
    'mail <s@x.example>' => $ok, @rcpt, '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied',
    'auth joe' => $ok, 'mail <s@x.example>' => $ok, @rcpt, $ok);
plays('direction by network', "outgoing = !192.168.2.125, mynetworks\nincoming_recipient_restrictions = reject\n$site",
    'client unknown 127.0.0.1' => $ok, 'mail <s@x.example>' => $ok, @rcpt, $ok,
    'client unknown 192.168.2.125' => $ok, 'mail <s@x.example>' => $ok, @rcpt, '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied');
plays('direction by port', "outgoing = daemon_port:587, daemon_name:ORIGINATING\nincoming_recipient_restrictions = reject\n",
    'macro {daemon_port} 587' => $ok, 'mail <s@x.example>' => $ok, @rcpt, $ok,
    'macro {daemon_port} 25' => $ok, 'mail <s@x.example>' => $ok, @rcpt, '554 5.7.1 <a@b.example>: Recipient address rejected: Access denied',
    'macro {daemon_name} ORIGINATING' => $ok, 'mail <s@x.example>' => $ok, @rcpt, $ok);

# --- lists that would never end
my $doubling = join ' ', map { "c$_" } 1 .. 40;
plays('classes that double', "restriction_classes = $doubling\nc1 = permit_mynetworks\n$site"
        . join('', map { "c$_ = c" . ($_ - 1) . ' c' . ($_ - 1) . "\n" } 2 .. 40) . "client_restrictions = c40\n",
    'client unknown 192.0.2.9' => $ok,
    @rcpt, '451 4.3.5 Server configuration error');
plays('a long list ends', "client_restrictions = " . join(' ', ('permit_mynetworks') x 20000) . "\n$site", @rcpt, $ok);

# --- the script itself
plays('script', "",
    'frobnicate' => 'error: unknown command (client, macro, auth, helo, mail, rcpt, data, message, reset, set)',
    'helo' => 'error: usage: helo NAME',
    'message /nonexistent/file.eml' => 'error: /nonexistent/file.eml: No such file or directory',
    'set reject_code 551' => $ok,
    'set client_restrictions reject' => $ok,
    'rcpt <a@b.example>' => '551 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied',
    'set client_restrictions frobnicate' => '',
    'rcpt <a@b.example>' => '551 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied',
    'set client_restrictions' => $ok,
    'rcpt <a@b.example>' => $ok);
my ($out, $err, $status) = run_tamis("# comment\n\n  \nhelo x\n", 'test', '-c', write_file('c', ''), '--session', '-');
is($out, "$ok\n", 'comments and empty lines print nothing');
is($status, 0, 'exit 0');
($out, $err, $status) = run_tamis('', 'test', '-c', write_file('c', 'nonsense_name = 1'), '--session', '-');
is($status, 78, 'exit 78 for an unusable configuration');
($out, $err, $status) = run_tamis('', 'test', '-c', write_file('c', ''), '--session', '/nonexistent');
is($status, 65, 'exit 65 for an unreadable script');

done_testing;
