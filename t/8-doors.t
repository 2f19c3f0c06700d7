#!/usr/bin/perl
# 8-doors - one scene, live, offline and replayed, one answer
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use JSON::PP;
use Tamis::Filter;
use Tamis::Mta;

alarm 600;

my $OK = '250 2.0.0 Ok';
my $DENIED = 'rejected: Access denied';
my $CONFIG_ERROR = '451 4.3.5 Server configuration error';
my $MAIL = "Subject: one scene\nMessage-Id: <scene\@x.example>\n\nbody\n";

# A scene is played through each door: a script, a milter connection, a mail file; then the log is
# read. Its facts: client [NAME, ADDR, PTR] ('unknown', 192.0.2.1; PTR: as NAME), helo ('h.example';
# '': none), auth, mail and rcpt: what follows MAIL FROM: and RCPT TO: ('<s@x.example>',
# ['<a@b.example>']; a list where there are arguments); resolved: what Postfix passes in {mail_addr}
# or {rcpt_addr}, where it is more than the text without brackets in lower case.
# What must come out, where it is not 250: connect_answer, helo_answer, mail_answer, data, eom, and
# `to`: a list for the recipients. log: [action, actions of recipients], where the answers do not say
# it. text: of the mail, where it matters. file => 0: the scene cannot be told to `tamis test MAIL`.
my @houses;

sub house {
    my ($name, $conf, $files, @scenes) = @_;
    push @houses, { name => $name, conf => $conf, files => $files, scenes => \@scenes };
}

my %ACTIONS = (
    reject  => ['REJECT', '554 5.7.1', 'Access denied'],
    text    => ['REJECT go  away: 100% été', '554 5.7.1', 'go  away: 100% été'],
    dsn     => ['REJECT 5.7.9 odd', '554 5.7.9', 'odd'],
    defer   => ['DEFER', '450 4.7.1', 'Access denied'],
    later   => ['DEFER come back', '450 4.7.1', 'come back'],
    four    => ['451 4.7.0 four', '451 4.7.0', 'four'],
    five    => ['550 five', '550 5.7.1', 'five'],
    hangup  => ['421 bye', '421 4.7.1', 'bye'],
    ifok    => ['DEFER_IF_PERMIT if so', '450 4.7.1', 'if so'],
    ifok0   => ['DEFER_IF_PERMIT', '450 4.7.1', 'Service unavailable'],
    list    => ['warn_if_reject, reject, reject', '554 5.7.1', 'Access denied'],
    class   => ['gate', '554 5.7.1', 'Access denied'],
);
my @QUIET = (ok => 'OK', relay => 'RELAY', dunno => 'DUNNO', digits => '550', warn => 'WARN look',
    info => 'INFO look', hold => 'HOLD wait', prepend => 'PREPEND X-A: b', permit => 'permit',
    redirect => 'REDIRECT boss@b.example', bcc => 'BCC copy@b.example', filter => 'FILTER smtp:x');

# What each class looks up, and how it is named in replies.
my %CLASSES = (
    client => ['client_restrictions = check_client_access', sub { ("$_[0].example") },
        sub { (client => ["$_[0].example", '192.0.2.7']) }, sub { "<$_[0].example[192.0.2.7]>: Client host" }],
    address => ['client_restrictions = check_client_access', sub { ("192.0.2.$_[1]") },
        sub { (client => ['unknown', "192.0.2.$_[1]"]) }, sub { "<unknown[192.0.2.$_[1]]>: Client host" }],
    reverse => ['client_restrictions = check_reverse_client_hostname_access', sub { ("$_[0].example") },
        sub { (client => ['unknown', '192.0.2.7', "$_[0].example"], file => 0) },
        sub { "<$_[0].example>: Unverified Client host" }],
    helo => ['helo_restrictions = check_helo_access', sub { ("$_[0].example") },
        sub { (helo => "mail.$_[0].example") }, sub { "<mail.$_[0].example>: Helo command" }],
    sender => ['sender_restrictions = check_sender_access', sub { ("$_[0]\@x.example") },
        sub { (mail => "<$_[0]\@X.example>") }, sub { "<$_[0]\@X.example>: Sender address" }],
    recipient => ['recipient_restrictions = check_recipient_access', sub { ("$_[0]\@b.example") },
        sub { (rcpt => ["<$_[0]\@b.example>"]) }, sub { "<$_[0]\@b.example>: Recipient address" }],
    login => ['relay_restrictions = check_sasl_access', sub { ("$_[0]") },
        sub { (auth => "$_[0]") }, sub { "<$_[0]>: SASL login name" }],
);

my @texts = sort keys %ACTIONS;
my %quiet = @QUIET;
my @words = (@texts, sort keys %quiet);
my %number;
@number{@words} = 10 .. 9 + @words;
for my $class (sort keys %CLASSES) {
    my ($list, $key, $facts, $name) = @{ $CLASSES{$class} };
    my $table = join '', map { $key->($_, $number{$_}) . ' ' . ($quiet{$_} // $ACTIONS{$_}[0]) . "\n" } @words;
    my @scenes = map {
        my ($code, $text) = @{ $ACTIONS{$_} }[1, 2];
        { name => $_, $facts->($_, $number{$_}),
            to => ["$code " . $name->($_, $number{$_}) . " rejected: $text"] }
    } @texts;
    for (sort keys %quiet) {
        my $forbidden = $class eq 'reverse' && /^(?:ok|relay|digits|permit)$/;
        push @scenes, { name => $_, $facts->($_, $number{$_}), to => [$forbidden ? $CONFIG_ERROR : $OK] };
    }
    push @scenes, { name => 'discard', $facts->('discard', 9), log => ['discard', 'discard'] },
        { name => 'no such', $facts->('nosuch', 8) },
        { name => 'nonsense', $facts->('nonsense', 7), to => [$CONFIG_ERROR] };
    $table .= $key->('discard', 9) . " DISCARD away\n" . $key->('nonsense', 7) . " NONSENSE\n";
    house "$class table", "$list texthash:table\nrestriction_classes = gate\ngate = reject\n",
        { table => $table }, @scenes;
}

# Each list in its own time, and what is remembered from one to the next.
my $early = <<'END';
client_restrictions = check_client_access inline:{ {192.0.2.66 = REJECT c}, {192.0.2.67 = DEFER_IF_PERMIT c} }
helo_restrictions = check_helo_access inline:{ {bad = 450 h}, {dip = DEFER_IF_PERMIT h} }
sender_restrictions = check_sender_access inline:{ {bad@x.example = 550 s}, {<> = REJECT null} }
recipient_restrictions = check_recipient_access inline:{ {bad@b.example = REJECT r}, {away@b.example = DISCARD},
    {dir@b.example = DEFER_IF_REJECT} }, check_recipient_access inline:{ {dir@b.example = REJECT r} }
data_restrictions = check_client_access inline:{ {192.0.2.68 = REJECT d} }, check_recipient_access
    inline:{ {data@b.example = DEFER d} }
end_of_data_restrictions = check_client_access inline:{ {192.0.2.69 = REJECT e} }, check_recipient_access
    inline:{ {end@b.example = DEFER e}, {gone@b.example = DISCARD} }
END
my $c66 = '554 5.7.1 <unknown[192.0.2.66]>: Client host rejected: c';
my $c67 = '450 4.7.1 <unknown[192.0.2.67]>: Client host rejected: c';
my $bad = '554 5.7.1 <bad@b.example>: Recipient address rejected: r';
my $dir = '450 4.7.1 <dir@b.example>: Recipient address rejected: Service unavailable';
for my $delay ('yes', 'no') {
    my $at = sub { $delay eq 'yes' ? (to => [$_[1]]) : ("$_[0]_answer" => $_[1]) };
    my @two = (rcpt => ['<a@b.example>', '<b@b.example>']);
    house "delay_reject = $delay", $early . "delay_reject = $delay\n", {},
        { name => 'client', client => ['unknown', '192.0.2.66'], $at->(connect => $c66) },
        { name => 'HELO', helo => 'bad', $at->(helo => '450 4.7.1 <bad>: Helo command rejected: h') },
        { name => 'MAIL', mail => '<bad@x.example>',
            $at->(mail => '550 5.7.1 <bad@x.example>: Sender address rejected: s') },
        { name => 'null sender', mail => '<>', $at->(mail => '554 5.7.1 <>: Sender address rejected: null') },
        { name => 'all pass' }, { name => 'no HELO', helo => '' },
        { name => 'two recipients, one refused', rcpt => ['<bad@b.example>', '<a@b.example>'], to => [$bad, $OK] },
        { name => 'two recipients, the last refused', rcpt => ['<a@b.example>', '<bad@b.example>'], to => [$OK, $bad] },
        { name => 'two recipients, both refused', rcpt => ['<bad@b.example>', '<bad@b.example>'], to => [$bad, $bad] },
        { name => 'defer_if_permit of the client', client => ['unknown', '192.0.2.67'], to => [$c67] },
        { name => 'the first of two', client => ['unknown', '192.0.2.67'], helo => 'dip', to => [$c67] },
        { name => 'defer_if_permit of HELO', helo => 'dip', rcpt => ['<a@b.example>', '<bad@b.example>'],
            to => ['450 4.7.1 <dip>: Helo command rejected: h', $bad] },
        { name => 'defer_if_reject', rcpt => ['<dir@b.example>'], to => [$dir] },
        { name => 'DISCARD ends all', rcpt => ['<away@b.example>', '<bad@b.example>'], to => [$OK, $OK],
            log => ['discard', 'discard', 'discard'] },
        { name => 'DISCARD after a refusal', rcpt => ['<bad@b.example>', '<away@b.example>'], to => [$bad, $OK],
            log => ['discard', 'reject', 'discard'] },
        { name => 'DATA', client => ['unknown', '192.0.2.68'],
            data => '554 5.7.1 <unknown[192.0.2.68]>: Client host rejected: d' },
        { name => 'DATA, the only recipient', rcpt => ['<data@b.example>'],
            data => '450 4.7.1 <data@b.example>: Recipient address rejected: d' },
        { name => 'DATA, one of two', rcpt => ['<data@b.example>', '<a@b.example>'] },
        { name => 'DATA, the one that is left', rcpt => ['<bad@b.example>', '<data@b.example>'],
            to => [$bad, $OK], data => '450 4.7.1 <data@b.example>: Recipient address rejected: d' },
        { name => 'end of data', client => ['unknown', '192.0.2.69'], @two,
            eom => '554 5.7.1 <unknown[192.0.2.69]>: Client host rejected: e' },
        { name => 'end of data, the only recipient', rcpt => ['<end@b.example>'],
            eom => '450 4.7.1 <end@b.example>: Recipient address rejected: e' },
        { name => 'end of data, one of two', rcpt => ['<end@b.example>', '<a@b.example>'] },
        { name => 'end of data, DISCARD', rcpt => ['<gone@b.example>'], log => ['discard', 'discard'] };
}

# Addresses as clients write them.
my $keys = join '', map { "$_ REJECT key\n" } '"a b"@x.example', 'plus@x.example', 'low@x.example',
    'route@x.example', 'bare@here.example', 'dot@x.example', 'percent%x.example@here.example', '<>',
    'q.q@x.example', 'naïve@x.example';
house 'addresses', "myorigin = here.example\nrecipient_delimiter = +\n"
        . "sender_restrictions = texthash:keys\nrecipient_restrictions = texthash:keys\n", { keys => $keys },
    map({
        my ($typed, $shown, $resolved, $mail_arg) = @$_;
        my $key = $shown eq 'other@x.example' ? 0 : 1;
        my @both = (resolved => { $typed => $resolved // lc $shown });
        ({ name => "sender $typed", mail => [$typed, @{ $mail_arg || [] }], @both, file => !$mail_arg,
            to => [$key ? "554 5.7.1 <$shown>: Sender address rejected: key" : $OK] },
         $typed eq '<>' ? () : { name => "recipient $typed", rcpt => [$typed], @both,
             mail => ['<s@y.example>', @{ $mail_arg || [] }], file => !$mail_arg,
             to => [$key ? "554 5.7.1 <$shown>: Recipient address rejected: key" : $OK] })
    } (
        ['<"a b"@x.example>', 'a b@x.example', '"a b"@x.example'],
        ['<plus+tag@x.example>', 'plus+tag@x.example'],
        ['<LOW@X.Example>', 'LOW@X.Example'],
        ['<@r.example,@s.example:route@x.example>', 'route@x.example'],
        ['<bare>', 'bare', 'bare@here.example'],
        ['<"q.q"@x.example>', 'q.q@x.example'],
        ['<percent%x.example@here.example>', 'percent%x.example@here.example'],
        ['<other@x.example>', 'other@x.example'],
        ['<>', ''],
        ['<naïve@x.example>', 'naïve@x.example', undef, ['SMTPUTF8']],
    )),
    { name => 'bare postmaster', mail => '<low@x.example>', rcpt => ['<PostMaster>'],
        resolved => { '<PostMaster>' => 'postmaster@here.example' } },
    { name => 'arguments', mail => ['<low@x.example>', 'SIZE=1000', 'BODY=8BITMIME'],
        rcpt => [['<a@b.example>', 'NOTIFY=NEVER', 'ORCPT=rfc822;a@b.example']], file => 0,
        to => ['554 5.7.1 <low@x.example>: Sender address rejected: key'] };

# Gates: what Postfix asks for before any list, networks, logins, destinations, bounces.
house 'gates', <<'END', {},
myhostname = mx.here.example
mydestination = here.example
mynetworks = 127.0.0.0/8, [::1]/128, 198.51.100.0/24
relay_domains = relay.example
helo_required = yes
strict_rfc821_envelopes = yes
relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
recipient_restrictions = reject_non_fqdn_recipient, reject_non_fqdn_sender, reject_multi_recipient_bounce
helo_restrictions = permit_mynetworks, reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
END
    { name => 'a parameter', mail => ['<s@x.example>', 'SIZE=100'], rcpt => ['<a@here.example>'], file => 0 },
    { name => 'no HELO', helo => '', rcpt => ['<a@here.example>'], to => ['503 5.5.1 Error: send HELO/EHLO first'] },
    { name => 'no brackets', mail => 's@x.example', rcpt => ['<a@here.example>'], file => 0,
        to => ['501 5.1.7 Bad sender address syntax'] },
    { name => 'no brackets, recipient', rcpt => ['a@here.example', '<b@here.example>'], file => 0,
        to => ['501 5.1.3 Bad recipient address syntax', $OK] },
    { name => 'our domain', rcpt => ['<a@here.example>'] },
    { name => 'a subdomain we relay to', rcpt => ['<a@sub.relay.example>'] },
    { name => 'relaying', rcpt => ['<a@b.example>', '<a@HERE.example>'],
        to => ['554 5.7.1 <a@b.example>: Relay access denied', $OK] },
    { name => 'relaying through us', rcpt => ['<a%b.example@here.example>'],
        to => ['554 5.7.1 <a%b.example@here.example>: Relay access denied'] },
    { name => 'our network relays', client => ['unknown', '198.51.100.9'], helo => 'x', direction => 'outgoing' },
    { name => 'our network, IPv6', client => ['localhost', '::1'], direction => 'outgoing' },
    { name => 'a login relays', auth => 'joe' },
    { name => 'HELO', helo => 'bad!name', rcpt => ['<a@here.example>'],
        to => ['501 5.5.2 <bad!name>: Helo command rejected: Invalid name'] },
    { name => 'HELO, short', helo => 'short', rcpt => ['<a@here.example>'],
        to => ['504 5.5.2 <short>: Helo command rejected: need fully-qualified hostname'] },
    { name => 'sender, short', mail => '<s@short>', rcpt => ['<a@here.example>'],
        to => ['504 5.5.2 <s@short>: Sender address rejected: need fully-qualified address'] },
    { name => 'a bounce to two', mail => '<>', rcpt => ['<a@here.example>', '<b@here.example>'],
        to => [$OK, '550 5.5.3 <b@here.example>: Recipient address rejected: Multi-recipient bounce'] };

# One list for each direction; classes in classes; a table that names lists.
house 'directions', <<'END', { rules => "a\@b.example inner\nb\@b.example warn_if_reject outer\nc\@b.example loop\n" },
mynetworks = 198.51.100.0/24
restriction_classes = outer, inner, loop
outer = inner, permit
inner = reject_non_fqdn_sender, check_sender_access inline:{ {s@x.example = REJECT inner} }
loop = loop
incoming_recipient_restrictions = check_recipient_access texthash:rules
outgoing_recipient_restrictions = check_recipient_access inline:{ {a@b.example = HOLD out} }, reject
END
    { name => 'incoming', to => ['554 5.7.1 <s@x.example>: Sender address rejected: inner'] },
    { name => 'incoming, the class passes', mail => '<t@x.example>' },
    { name => 'only warned', rcpt => ['<b@b.example>'] },
    { name => 'a class of itself', rcpt => ['<c@b.example>'], to => [$CONFIG_ERROR] },
    { name => 'outgoing by network', client => ['unknown', '198.51.100.9'], direction => 'outgoing',
        to => ["554 5.7.1 <a\@b.example>: Recipient address $DENIED"] },
    { name => 'outgoing by login', auth => 'joe',
        to => ["554 5.7.1 <a\@b.example>: Recipient address $DENIED"] };

# A client whose name was verified has that reverse name.
house 'reverse names', <<'END', {},
client_restrictions = check_reverse_client_hostname_access inline:{ {mail.example = REJECT it},
    {unknown = 450 none} }
END
    { name => 'as the name', client => ['mail.example', '192.0.2.7'],
        to => ['554 5.7.1 <mail.example>: Unverified Client host rejected: it'] },
    { name => 'no other', client => ['other.example', '192.0.2.7'] },
    { name => 'not verified', client => ['unknown', '192.0.2.7', 'mail.example'], file => 0,
        to => ['554 5.7.1 <mail.example>: Unverified Client host rejected: it'] },
    { name => 'none', client => ['unknown', '192.0.2.7'],
        to => ['450 4.7.1 <unknown>: Unverified Client host rejected: none'] };

# The content of the mail.
my $head = join '', map { "/^$_->[0]/ $_->[1]\n" } ['Subject: bad', 'REJECT 5.7.9 that subject'],
    ['Subject: soft', 'REJECT 4.7.9 not yet'], ['Subject: gone', 'DISCARD'], ['Subject: mark', 'PREPEND X-A: b'],
    ['Subject: drop', 'IGNORE'], ['Subject: new', 'REPLACE Subject: old'], ['Subject: wait', 'HOLD'];
house 'content', "header_checks = regexp:head\nbody_checks = regexp:body\n"
        . "sender_restrictions = inline:{ {bad\@x.example = REJECT first} }\n",
    { head => $head, body => "/^evil/ REJECT evil words\n/^hush/ DISCARD\n" },
    { name => 'REJECT', text => "Subject: bad\n\nx\n", eom => '550 5.7.9 that subject' },
    { name => 'REJECT for now', text => "Subject: soft\n\nevil\n", eom => '451 4.7.9 not yet' },
    { name => 'DISCARD', text => "Subject: gone\n\nevil\n", log => ['discard', 'discard'] },
    { name => 'body', text => "Subject: one\n\nevil\n", rcpt => ['<a@b.example>', '<b@b.example>'],
        eom => '550 5.7.1 evil words' },
    { name => 'body, DISCARD', text => "Subject: one\n\nhush\n", log => ['discard', 'discard'] },
    { name => 'an edit, then the body', text => "Subject: mark\n\nevil\n", eom => '550 5.7.1 evil words' },
    { name => 'refused before', mail => '<bad@x.example>', text => "Subject: bad\n\nx\n",
        to => ['554 5.7.1 <bad@x.example>: Sender address rejected: first'] },
    map { { name => "Subject: $_", text => "X-First: 1\nSubject: $_\nTo: a\n\nx\n" } } qw(mark drop new wait none);

# --- the doors

sub arguments { ref $_[0] ? @{ $_[0] } : ($_[0]) }

# What must be answered, as a list of [event, answer]; a client gives up where nothing more makes sense.
sub expected {
    my ($scene) = @_;
    my @rcpts = @{ $scene->{rcpt} };
    my @events = (['connect', $scene->{connect_answer}],
        length $scene->{helo} ? ['helo', $scene->{helo_answer}] : (), ['mail', $scene->{mail_answer}]);
    my $passed = 0;

    for (splice @events) {
        push @events, [$_->[0], $_->[1] // $OK];
        return @events if $events[-1][1] ne $OK;
    }
    for my $i (0 .. $#rcpts) {
        push @events, ["rcpt $i", $scene->{to}[$i] // $OK];
        $passed++ if $events[-1][1] eq $OK;
    }
    push @events, ['data', $scene->{data} // $OK] if $passed;
    push @events, ['eom', $scene->{eom} // $OK] if $passed && $events[-1][1] eq $OK;
    return @events;
}

# Fills in what the scene leaves open.
sub complete {
    my ($scene) = @_;
    my %s = (client => ['unknown', '192.0.2.1'], auth => '', helo => 'h.example',
        mail => '<s@x.example>', rcpt => ['<a@b.example>'], resolved => {}, file => 1, text => $MAIL,
        direction => defined $scene->{auth} ? 'outgoing' : 'incoming', %$scene);
    return \%s;
}

# (a) a script: the answers to its commands, the same events as expected() has.
sub by_script {
    my ($filter, $scene, @events) = @_;
    my ($path, %line) = ($filter->file('scene.eml', $scene->{text}));
    my $prelude = 0;
    my @script;

    push @script, "auth $scene->{auth}" and $prelude++ if length $scene->{auth};
    $line{connect} = "client @{ $scene->{client} }";
    $line{helo} = "helo $scene->{helo}";
    $line{mail} = join ' ', 'mail', arguments($scene->{mail});
    $line{"rcpt $_"} = join ' ', 'rcpt', arguments($scene->{rcpt}[$_]) for 0 .. $#{ $scene->{rcpt} };
    @line{qw(data eom)} = ('data', "message $path");
    push @script, map { $line{ $_->[0] } } @events;
    my $script = $filter->file('script', join '', map { "$_\n" } @script);
    my ($status, $out, $err) = $filter->command('test', '--session', $script);
    my @answers = split /\n/, $out;
    diag $err if $status;
    splice @answers, 0, $prelude;
    return [map { [$events[$_][0], $answers[$_]] } 0 .. $#answers];
}

sub said {
    my ($reply) = @_;
    my $action = $reply->{action};
    return $reply->{text} if $action eq 'replycode';
    return $action =~ /^(?:continue|none|discard)$/ ? $OK : $action;
}

sub resolved {
    my ($scene, $arg) = @_;
    my ($address) = arguments($arg);
    return $scene->{resolved}{$address} if exists $scene->{resolved}{$address};
    return lc($address =~ s/^<(.*)>\z/$1/sr);
}

# (b) a milter connection, played by the events expected to be seen. With `macros` the addresses come
# resolved, as Postfix passes them; without, as from an MTA that does not.
sub by_milter {
    my ($filter, $scene, $macros, @events) = @_;
    my ($name, $addr, $ptr) = @{ $scene->{client} };
    my $mta = Tamis::Mta->connect($filter->milter);
    my $unverified = $name eq 'unknown';
    my %play = (
        connect => sub { $mta->connect_info($unverified ? "[$addr]" : $name, $addr =~ /:/ ? 6 : 4, 40000,
            $addr, j => 'mx.here.example', v => 'Postfix 3.7.11', _ => "$name [$addr]",
            '{daemon_name}' => 'smtpd', '{daemon_addr}' => '127.0.0.1', '{daemon_port}' => '25',
            '{client_addr}' => $addr, '{client_name}' => $name, '{client_port}' => '40000',
            '{client_ptr}' => $ptr // $name, '{client_resolve}' => $unverified ? 'FAIL' : 'OK') },
        helo => sub { $mta->helo($scene->{helo}) },
        mail => sub { $mta->mail([arguments($scene->{mail})],
            length $scene->{auth} ? ('{auth_authen}' => $scene->{auth}, '{auth_type}' => 'PLAIN') : (),
            $macros ? ('{mail_addr}' => resolved($scene, $scene->{mail}), '{mail_mailer}' => 'smtp') : ()) },
        data => sub { $mta->data(i => '4Qabc') },
        eom => sub { $mta->content($scene->{text}) },
    );
    my @answers;

    for my $event (map { $_->[0] } @events) {
        my $reply = $event =~ /^rcpt (\d+)/
            ? $mta->rcpt([arguments($scene->{rcpt}[$1])],
                $macros ? ('{rcpt_addr}' => resolved($scene, $scene->{rcpt}[$1]), '{rcpt_mailer}' => 'smtp') : ())
            : $play{$event}->();
        push @answers, [$event, said($reply)];
    }
    $mta->abort;
    # The filter closes when it has handed the row to the log, so rows come in the order of scenes.
    my $end = $mta->raw(Tamis::Mta::packet('Q'));
    diag "QUIT: $end->{action}" if $end->{action} ne 'closed';
    $mta->close;
    return \@answers;
}

# (c) a mail file: what it says, decoded.
sub by_mail {
    my ($filter, $scene) = @_;
    my ($name, $addr) = @{ $scene->{client} };
    my ($status, $out, $err) = $filter->command('test', '--json', '--client', "$name\[$addr]",
        length $scene->{helo} ? ('--helo', $scene->{helo}) : (),
        length $scene->{auth} ? ('--auth', $scene->{auth}) : (), '--from', arguments($scene->{mail}),
        map({ ('--rcpt', arguments($_)) } @{ $scene->{rcpt} }), $filter->file('scene.eml', $scene->{text}));

    diag $err if $status;
    return JSON::PP->new->decode($out);
}

# A reply as (action, code, dsn, text), as far as the log and `--json` must agree.
sub told {
    my ($row) = @_;
    my @reply = map { $_ // '' } @$row{qw(code dsn text)};

    @reply = ('', '', '') if $row->{action} eq 'accept' || $row->{action} eq 'discard';
    return join '|', $row->{action}, @reply;
}

sub place { my ($file, $line) = @_; return defined $file ? "$file:$line" : '' }

sub steps_of_json {
    return [map { join '|', map { $_ // '' } $_->{recipient} || '', @$_{qw(restriction question answer result)},
        place($_->{rule}{file}, $_->{rule}{line}) } @{ $_[0]{steps} }];
}

sub steps_of_log {
    return [map { join '|', map { $_ // '' } @$_{qw(recipient restriction question answer result)},
        place(@$_{qw(file line)}) } @_];
}

# What the answers make of the mail and of each recipient.
sub outcome {
    my ($scene, @events) = @_;
    return @{ $scene->{log} } if $scene->{log};
    my @words = map { $_->[1] =~ /^5/ ? 'reject' : $_->[1] =~ /^4/ ? 'tempfail' : 'accept' } @events;
    my @rcpts = map { $events[$_][0] =~ /^rcpt/ ? $words[$_] : () } 0 .. $#events;
    return ($words[-1], map { $_ eq 'accept' ? $words[-1] : $_ } @rcpts);
}

sub compare_log {
    my ($name, $row, $mail, $scene, @events) = @_;
    my @recipients = @{ $row->{recipient} || [] };
    my @checks = @{ $row->{check_result} || [] };
    my ($action, @rcpt_actions) = outcome($scene, @events);

    is $row->{action}, $action, "$name: the log's action";
    is_deeply [map { $_->{action} } @recipients], \@rcpt_actions, "$name: recipients in the log";
    is $row->{enforced}, 1, "$name: enforced";
    is $row->{direction}, $scene->{direction}, "$name: direction";
    for my $i (0 .. $#recipients) {
        my ($want) = map { $_->[1] } grep { $_->[0] eq "rcpt $i" } @events;
        next if !defined $want || $want eq $OK;
        is join(' ', @{ $recipients[$i] }{qw(code dsn text)}), $want, "$name: recipient $i in the log";
    }
    return steps_of_log(@checks) if !$mail;
    is told($row), told($mail), "$name: the log's reply is that of the mail file";
    is place(@$row{qw(file line)}), place(@{ $mail->{rule} || {} }{qw(file line)}), "$name: the same rule";
    is_deeply steps_of_log(@checks), steps_of_json($mail), "$name: the same steps";
    for my $i (0 .. $#recipients) {
        next if $mail->{recipients}[$i]{code} == 250;
        is told($recipients[$i]), told($mail->{recipients}[$i]), "$name: recipient $i";
        is place(@{ $recipients[$i] }{qw(file line)}),
            place(@{ $mail->{recipients}[$i]{rule} || {} }{qw(file line)}), "$name: rule of recipient $i";
    }
    return steps_of_log(@checks);
}

sub compare_mail {
    my ($name, $mail, @events) = @_;
    my @got = map { "$_->{code} $_->{dsn} $_->{text}" } @{ $mail->{recipients} };

    is_deeply \@got, [map { $_->[0] =~ /^rcpt/ ? $_->[1] : () } @events], "$name: recipients of the mail file";
    is "$mail->{code} $mail->{dsn} $mail->{text}", $events[-1][1], "$name: end of the mail file";
}

# The rows of the log in their order, each with its rows of the other two views.
sub read_log {
    my ($filter, $count) = @_;
    my @rows = $filter->wait_sql($count, 'SELECT * FROM decision ORDER BY id');
    my %row = map { $_->{id} => $_ } @rows;

    for my $view ('recipient', 'check_result') {
        push @{ $row{ $_->{id} }{$view} }, $_ for $filter->sql("SELECT * FROM $view ORDER BY id, n");
    }
    return @rows;
}

# (d) the log, judged again by the same rules.
sub compare_replay {
    my ($filter, $name, $count) = @_;
    my ($status, $out, $err) = $filter->command('replay', '--since', 'all', '--json');
    my $result = eval { JSON::PP->new->decode($out) } || {};

    is $status, 0, "$name: replay";
    is $result->{messages}, $count, "$name: replay, all of it";
    is "$result->{changed} $result->{unknown}", '0 0', "$name: replay, nothing changes" or diag $out, $err;
}

for my $house (@houses) {
    my $networks = $house->{conf} =~ /^mynetworks/m ? '' : "mynetworks = 127.0.0.0/8\n";
    my $filter = Tamis::Filter->new(conf => "mode = enforce\n$networks$house->{conf}",
        files => $house->{files})->start;
    my @played;

    for (@{ $house->{scenes} }) {
        my $scene = complete($_);
        my $name = "$house->{name}: $scene->{name}";
        my @events = expected($scene);
        is_deeply by_script($filter, $scene, @events), \@events, "$name: script";
        is_deeply by_milter($filter, $scene, 1, @events), \@events, "$name: milter, as with Postfix";
        is_deeply by_milter($filter, $scene, 0, @events), \@events, "$name: milter, addresses not resolved";
        my $mail = $scene->{file} ? by_mail($filter, $scene) : undef;
        compare_mail($name, $mail, @events) if $mail;
        push @played, [$name, $scene, $mail, @events];
    }
    my @rows = read_log($filter, 2 * @played);
    is scalar @rows, 2 * @played, "$house->{name}: a row each";
    for (@played) {
        my ($name, $scene, $mail, @events) = @$_;
        my @steps = map { compare_log($name, $_, $mail, $scene, @events) } splice @rows, 0, 2;
        is_deeply $steps[1], $steps[0], "$name: the same steps, addresses resolved or not";
    }
    compare_replay($filter, $house->{name}, 2 * @played);
    is $filter->stop, 0, "$house->{name}: ends";
}

done_testing;
