#!/usr/bin/perl
# 3-spf-rules - rules on SPF and iprev: each action and result, replies as the client reads them, exemptions
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Tamis::Session;
use Test::More;

alarm 120;

my $long = 'x' x 200;
my $zone = write_file('zone', <<"END");
fail.example       TXT "v=spf1 ip4:192.0.2.10 ip6:2001:db8::10 -all"
told.example       TXT "v=spf1 redirect=speaker.example"
speaker.example    TXT "v=spf1 -all exp=why.speaker.example"
why.speaker.example TXT "see http://w.example/?a=%{i}&p=100%% for %{s}"
inc.example        TXT "v=spf1 include:fail.example -all exp=why.inc.example"
why.inc.example    TXT "no"
crlf.example       TXT "v=spf1 -all exp=why.crlf.example"
why.crlf.example   TXT "a\\013\\010250 2.0.0 Ok\\000\\255"
long.example       TXT "v=spf1 -all exp=why.long.example"
why.long.example   TXT "$long" "$long" "$long"
soft.example       TXT "v=spf1 ~all"
neutral.example    TXT "v=spf1 ?all"
nothing.example    TXT "v=spf1"
none.example       A   192.0.2.1
perm.example       TXT "v=spf1 foo:bar -all"
two.example        TXT "v=spf1 -all"
two.example        TXT "v=spf1 +all"
pass.example       TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ip4:198.51.100.0/24 -all"
friend.example     TXT "v=spf1 -all"
sub.friend.example TXT "v=spf1 -all"
xn--bcher-kva.example TXT "v=spf1 -all"
\$SERVFAIL bad.example
\$TIMEOUT slow.example
\$BOGUS bogus.example
1.2.0.192.in-addr.arpa PTR good.example
good.example       A 192.0.2.1
2.2.0.192.in-addr.arpa PTR other.example
other.example      A 192.0.2.99
\$SERVFAIL 3.2.0.192.in-addr.arpa
END

# Pairs of command and answer ('': any), under a configuration.
sub spf_plays {
    my ($name, $conf, @pairs) = @_;
    my $path = write_file('milter.conf',
        "postfix_config_directory =\nmynetworks = 10.0.0.0/8\nmyhostname = mx.here.example\n$conf");
    my (@commands, @want);
    while (my ($command, $want) = splice @pairs, 0, 2) {
        push @commands, $command;
        push @want, $want;
    }
    my ($out, $err, $status) = run_tamis(join('', map { "$_\n" } @commands),
        'test', '-c', $path, '--session', '-', '--zone', $zone);
    is($status, 0, "$name: the script was read") or diag $err;
    my @got = split /\n/, $out;
    is(scalar @got, scalar @commands, "$name: one line a command");
    for my $i (0 .. $#commands) {
        is($got[$i], $want[$i], "$name: $commands[$i]") if $want[$i] ne '';
    }
    return $err;
}

my $ok = '250 2.0.0 Ok';
my $rcpt = 'rcpt <u@here.example>';

# --- every result, by name: what reject_, defer_, hold_, permit_ make of it
my %sender = (
    none => 'none', neutral => 'neutral', pass => 'pass', fail => 'fail', softfail => 'soft',
    temperror => 'bad', permerror => 'perm',
);
my %says = (
    none      => 'none.example has no SPF record',
    neutral   => 'neutral.example does not say whether 192.0.2.1 is allowed to send for it',
    pass      => '192.0.2.1 is allowed to send for pass.example',
    fail      => '192.0.2.1 is not allowed to send for fail.example',
    softfail  => '192.0.2.1 is probably not allowed to send for soft.example',
    temperror => 'the DNS did not answer for bad.example',
    permerror => 'perm.example: bad term in the record: foo:bar',
);
my %reject = (
    (map { $_ => '550 5.7.23' } qw(none neutral pass fail softfail)),
    temperror => '451 4.7.24', permerror => '550 5.7.24',
);
my %defer = (
    (map { $_ => '450 4.7.23' } qw(none neutral pass fail softfail)),
    temperror => '451 4.7.24', permerror => '451 4.7.24',
);
for my $rule (sort keys %says) {
    my (@sender, @helo, @defer, @hold, @permit);
    for my $result (sort keys %says) {
        my $domain = "$sender{$result}.example";
        my $fires = $rule eq $result;
        push @sender, "mail <a\@$domain>" => $ok, $rcpt => $fires
            ? "$reject{$rule} <a\@$domain>: Sender address rejected: SPF $rule: $says{$rule}" : $ok;
        push @defer, "mail <a\@$domain>" => $ok, $rcpt => $fires
            ? "$defer{$rule} <a\@$domain>: Sender address rejected: SPF $rule: $says{$rule}" : $ok;
        push @helo, "helo $domain" => $ok, 'mail <a@none.example>' => $ok, $rcpt => $fires
            ? "$reject{$rule} <$domain>: Helo command rejected: SPF $rule: $says{$rule}" : $ok;
        push @permit, "mail <a\@$domain>" => $ok, $rcpt => $fires
            ? $ok : '554 5.7.1 <u@here.example>: Recipient address rejected: Access denied';
    }
    spf_plays("reject_spf_$rule", "sender_restrictions = reject_spf_$rule\n", @sender);
    spf_plays("defer_spf_$rule", "recipient_restrictions = defer_spf_$rule\n", @defer);
    spf_plays("reject_helo_spf_$rule", "helo_restrictions = reject_helo_spf_$rule\n", @helo);
    spf_plays("permit_spf_$rule", "recipient_restrictions = permit_spf_$rule, reject\n", @permit);
    my $log = spf_plays("hold_spf_$rule", "sender_restrictions = hold_spf_$rule\n",
        map { ("mail <a\@$sender{$_}.example>" => $ok, $rcpt => $ok) } sort keys %says);
    my @held = $log =~ /: hold: RCPT from \S+: (.*?); rule=/g;
    is_deeply(\@held, ["<a\@$sender{$rule}.example>: Sender address SPF $rule: $says{$rule}"],
        "hold_spf_$rule: that one is held");
}
spf_plays('defer and hold of HELO', "helo_restrictions = hold_helo_spf_softfail, defer_helo_spf_fail, permit_helo_spf_pass, reject\n",
    'helo soft.example' => $ok, 'mail <a@b.example>' => $ok,
    $rcpt => '554 5.7.1 <soft.example>: Helo command rejected: Access denied',
    'helo fail.example' => $ok,
    $rcpt => '450 4.7.23 <fail.example>: Helo command rejected: SPF fail: 192.0.2.1 is not allowed to send for fail.example',
    'helo pass.example' => $ok, $rcpt => $ok);

# --- explanations
spf_plays('explanations', "sender_restrictions = reject_spf_fail\n",
    'helo mail.example' => $ok,
    'mail <a@told.example>' => $ok,
    $rcpt => '550 5.7.23 <a@told.example>: Sender address rejected: SPF fail: 192.0.2.1 is not allowed to send for told.example; speaker.example says: see http://w.example/?a=192.0.2.1&p=100% for a@told.example',
    'mail <a@inc.example>' => $ok,
    $rcpt => '550 5.7.23 <a@inc.example>: Sender address rejected: SPF fail: 192.0.2.1 is not allowed to send for inc.example; inc.example says: no',
    'mail <a@crlf.example>' => $ok,
    $rcpt => '550 5.7.23 <a@crlf.example>: Sender address rejected: SPF fail: 192.0.2.1 is not allowed to send for crlf.example',
    'mail <a@long.example>' => $ok,
    $rcpt => '550 5.7.23 <a@long.example>: Sender address rejected: SPF fail: 192.0.2.1 is not allowed to send for long.example; long.example says: ' . 'x' x 376,
);

# --- whose address it is
spf_plays('addresses', "sender_restrictions = reject_spf_fail, reject_spf_pass\n",
    'client unknown 2001:db8::10' => $ok, 'mail <a@fail.example>' => $ok,
    $rcpt => '550 5.7.23 <a@fail.example>: Sender address rejected: SPF pass: 2001:db8::10 is allowed to send for fail.example',
    'client unknown 2001:db8::11' => $ok,
    $rcpt => '550 5.7.23 <a@fail.example>: Sender address rejected: SPF fail: 2001:db8::11 is not allowed to send for fail.example',
    'client unknown ::ffff:192.0.2.10' => $ok,
    $rcpt => '550 5.7.23 <a@fail.example>: Sender address rejected: SPF pass: 192.0.2.10 is allowed to send for fail.example',
    'client unknown nonsense' => $ok, $rcpt => $ok,
    'client unknown 127.0.0.1' => $ok, $rcpt => $ok,
    'client unknown ::1' => $ok, $rcpt => $ok,
);

# --- the null sender, and what is no domain
spf_plays('null sender', "sender_restrictions = reject_spf_fail, reject_spf_none\n",
    'helo fail.example' => $ok, 'mail <>' => $ok,
    $rcpt => '550 5.7.23 <>: Sender address rejected: SPF fail: 192.0.2.1 is not allowed to send for fail.example',
    'helo [192.0.2.1]' => $ok,
    $rcpt => '550 5.7.23 <>: Sender address rejected: SPF none: [192.0.2.1] is no domain to ask about',
    'helo localhost' => $ok,
    $rcpt => '550 5.7.23 <>: Sender address rejected: SPF none: localhost is no domain to ask about',
    'mail <user>' => $ok,
    $rcpt => '550 5.7.23 <user>: Sender address rejected: SPF none: user is no domain to ask about',
    "mail <a\@b\xc3\xbccher.example> SMTPUTF8" => $ok,
    $rcpt => "550 5.7.23 <a\@b\xc3\xbccher.example>: Sender address rejected: SPF fail: 192.0.2.1 is not allowed to send for xn--bcher-kva.example",
);
spf_plays('before HELO', "helo_restrictions = reject_helo_spf_none\nsender_restrictions = reject_spf_fail\n",
    'mail <a@pass.example>' => $ok, $rcpt => $ok);

# --- errors
spf_plays('errors', "stage_time_limit = 2s\nsender_restrictions = reject_spf_temperror, reject_spf_permerror\n",
    'mail <a@slow.example>' => $ok,
    $rcpt => '451 4.7.24 <a@slow.example>: Sender address rejected: SPF temperror: the DNS did not answer for slow.example',
    'mail <a@bogus.example>' => $ok,
    $rcpt => '451 4.7.24 <a@bogus.example>: Sender address rejected: SPF temperror: the DNS did not answer for bogus.example',
    'mail <a@two.example>' => $ok,
    $rcpt => '550 5.7.24 <a@two.example>: Sender address rejected: SPF permerror: two.example has 2 SPF records',
    'mail <a@nothing.example>' => $ok, $rcpt => $ok,
);
spf_plays('warn_if_reject', "sender_restrictions = warn_if_reject reject_spf_fail\n",
    'mail <a@fail.example>' => $ok, $rcpt => $ok);

# --- at MAIL and HELO
spf_plays('delay_reject = no', "delay_reject = no\nhelo_restrictions = reject_helo_spf_fail\nsender_restrictions = reject_spf_fail\n",
    'helo fail.example' => '550 5.7.23 <fail.example>: Helo command rejected: SPF fail: 192.0.2.1 is not allowed to send for fail.example',
    'helo none.example' => $ok,
    'mail <a@fail.example>' => '550 5.7.23 <a@fail.example>: Sender address rejected: SPF fail: 192.0.2.1 is not allowed to send for fail.example',
);

# --- exemptions
my $fails = '550 5.7.23 <a@fail.example>: Sender address rejected: SPF fail: 192.0.2.1 is not allowed to send for fail.example';
spf_plays('exemptions', "spf_exempt_networks = 192.0.2.200, [2001:db8:5::]/64, forwarder.example\nspf_exempt_domains = friend.example\n"
      . "sender_restrictions = reject_spf_fail, reject_spf_none\nhelo_restrictions = reject_helo_spf_fail, reject_helo_spf_none\n",
    'helo pass.example' => $ok,
    'mail <a@fail.example>' => $ok, $rcpt => $fails,
    'client unknown 192.0.2.200' => $ok, $rcpt => $ok,
    'client unknown 192.0.2.201' => $ok,
    $rcpt => '550 5.7.23 <a@fail.example>: Sender address rejected: SPF fail: 192.0.2.201 is not allowed to send for fail.example',
    'client unknown 2001:db8:5::1' => $ok, $rcpt => $ok,
    'client out.forwarder.example 192.0.2.203' => $ok, $rcpt => $ok,
    'client unknown 10.1.2.3' => $ok, $rcpt => $ok,
    'client unknown 192.0.2.1' => $ok, $rcpt => $fails,
    'mail <a@FRIEND.example>' => $ok, $rcpt => $ok,
    'mail <a@sub.friend.example>' => $ok, $rcpt => $ok,
    'mail <a@fail.example>' => $ok, $rcpt => $fails,
    'helo friend.example' => $ok, 'mail <>' => $ok, $rcpt => $ok,
    'helo pass.example' => $ok, 'mail <a@fail.example>' => $ok, $rcpt => $fails,
    'auth someone' => $ok, $rcpt => $ok,
);
spf_plays('outgoing', "outgoing = 192.0.2.0/28\nsender_restrictions = reject_spf_fail\n",
    'mail <a@fail.example>' => $ok, $rcpt => $ok,
    'client unknown 192.0.2.99' => $ok,
    $rcpt => '550 5.7.23 <a@fail.example>: Sender address rejected: SPF fail: 192.0.2.99 is not allowed to send for fail.example');

# --- what is exempt is not asked about, and the steps say why
sub steps_of {
    my ($client, $from, @args) = @_;
    my $conf = write_file('milter.conf', "postfix_config_directory =\nmynetworks = 10.0.0.0/8\n"
          . "spf_exempt_networks = 192.0.2.200\nspf_exempt_domains = friend.example\nsender_restrictions = reject_spf_fail\n");
    my $mail = write_file('mail.eml', "From: a\@b.example\nSubject: x\n\ntext\n");
    my ($out) = run_tamis('', 'test', '--json', '-c', $conf, '--zone', $zone, '--client', "unknown[$client]", '--helo',
        'h.example', '--from', $from, '--rcpt', 'u@here.example', @args, $mail);
    return [map { [@$_{qw(question answer result)}] }
        grep { $_->{restriction} eq 'reject_spf_fail' } @{decode_json($out)->{steps}}];
}
for my $row (
    ['192.0.2.200', 'a@fail.example',   'the client is in spf_exempt_networks'],
    ['10.0.0.1',    'a@fail.example',   'the mail is outgoing'],
    ['127.0.0.1',   'a@fail.example',   'the client is this machine'],
    ['192.0.2.1',   'a@friend.example', 'the domain is in spf_exempt_domains'],
    ['192.0.2.1',   'a@fail.example',   'the client has logged in', '--auth', 'user'],
    ['10.0.0.1',    'a@fail.example',   'the client is in mynetworks', '-o', 'outgoing=sasl_authenticated'],
) {
    my ($client, $from, $why, @args) = @$row;
    is_deeply(steps_of($client, $from, @args), [['exempt', $why, 'dunno']], "$client, $from: $why");
}
is_deeply(steps_of('192.0.2.10', 'a@fail.example'), [[
    'spf mailfrom a@fail.example 192.0.2.10 h.example',
    'pass domain=fail.example term=ip4:192.0.2.10 '
        . 'why="192.0.2.10 matches ip4:192.0.2.10 in the record of fail.example" terms=0 voids=0 lookups=1',
    'dunno',
]], 'who is asked about: the question and its answer');

# --- check_spf_access
my $table = write_file('spf', <<'END');
pass.example       OK
example            REJECT we know you
told.example       OK
END
spf_plays('check_spf_access', "sender_restrictions = check_spf_access texthash:$table, reject\n",
    'mail <a@pass.example>' => $ok, $rcpt => $ok,
    'mail <a@told.example>' => $ok, $rcpt => '554 5.7.1 <a@told.example>: Sender address rejected: Access denied',
    'client unknown 192.0.2.10' => $ok,
    'mail <a@fail.example>' => $ok, $rcpt => '554 5.7.1 <a@fail.example>: Sender address rejected: we know you',
    'helo pass.example' => $ok, 'mail <>' => $ok, $rcpt => $ok,
    'helo none.example' => $ok, $rcpt => '554 5.7.1 <>: Sender address rejected: Access denied',
    'mail <a@bad.example>' => $ok, $rcpt => '554 5.7.1 <a@bad.example>: Sender address rejected: Access denied',
);

# --- iprev
spf_plays('iprev', "client_restrictions = reject_iprev_fail, defer_iprev_permerror, reject_iprev_temperror, reject_iprev_pass\n",
    'mail <a@b.example>' => $ok,
    $rcpt => '550 5.7.25 <unknown[192.0.2.1]>: Client host rejected: iprev pass: good.example leads back to 192.0.2.1',
    'client unknown 192.0.2.2' => $ok,
    $rcpt => '550 5.7.25 <unknown[192.0.2.2]>: Client host rejected: iprev fail: other.example does not resolve to 192.0.2.2',
    'client unknown 192.0.2.3' => $ok,
    $rcpt => '451 4.7.25 <unknown[192.0.2.3]>: Client host rejected: iprev temperror: lookup of 192.0.2.3 failed',
    'client unknown 192.0.2.4' => $ok,
    $rcpt => '450 4.7.25 <unknown[192.0.2.4]>: Client host rejected: iprev permerror: no reverse name',
);
spf_plays('permit_iprev', "client_restrictions = permit_iprev_pass, reject\n",
    'mail <a@b.example>' => $ok, $rcpt => $ok,
    'client unknown 192.0.2.2' => $ok,
    $rcpt => '554 5.7.1 <unknown[192.0.2.2]>: Client host rejected: Access denied');

done_testing();
