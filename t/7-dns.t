#!/usr/bin/perl
# 7-dns - SPF, block lists, unknown domains with a real name server, a real Postfix: replies and delivered header
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use IO::Socket::INET;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::NameServer qw(name_server_missing);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 120;
if (my $why = postfix_missing() // name_server_missing()) {
    plan skip_all => $why;
}

my $zone = <<'END';
pass.example.       MX   10 mail.pass.example.
pass.example.       TXT  "v=spf1 mx ip6:2001:db8:1::/48 " "-all"
mail.pass.example.  A    192.0.2.10
fail.example.       MX   10 mail.pass.example.
fail.example.       TXT  "v=spf1 ip4:198.51.100.0/24 -all exp=why.fail.example"
why.fail.example.   TXT  "%{i} is no host of %{d}: see http://fail.example/?s=%{S}&h=%{h}"
plain.example.      MX   10 mail.pass.example.
plain.example.      TXT  "v=spf1 -all"
odd.example.        MX   10 mail.pass.example.
odd.example.        TXT  "v=spf1 exp=why.odd.example -all"
why.odd.example.    TXT  "250 2.0.0 Ok\013\010250 queued"
soft.example.       MX   10 mail.pass.example.
soft.example.       TXT  "v=spf1 a:mail.soft.example ~all"
mail.soft.example.  A    198.51.100.1
two.example.        MX   10 mail.pass.example.
two.example.        TXT  "v=spf1 +all"
two.example.        TXT  "v=spf1 -all"
wrong.example.      MX   10 mail.pass.example.
wrong.example.      TXT  "v=spf1 ipv4:192.0.2.10 -all"
loop.example.       MX   10 mail.pass.example.
loop.example.       TXT  "v=spf1 include:loop.example -all"
refers.example.     MX   10 mail.pass.example.
refers.example.     TXT  "v=spf1 include:spf.sick.example -all"
none.example.       MX   10 mail.pass.example.
helo.example.       TXT  "v=spf1 ip4:192.0.2.10 -all"
null.example.       MX   0 .
bare.example.       TXT  "neither host nor server"
host.example.       A    192.0.2.77

20.2.0.192.bl.example.  A    127.0.0.2
20.2.0.192.bl.example.  TXT  "see http://bl.example/?ip=192.0.2.20 (100%)"
21.2.0.192.bl.example.  A    127.0.0.4
22.2.0.192.bl.example.  A    127.0.0.99
22.2.0.192.bl.example.  TXT  "a code that is not asked for"
23.2.0.192.bl.example.  A    127.0.0.99
23.2.0.192.bl.example.  A    127.0.0.3
23.2.0.192.bl.example.  TXT  "one"
23.2.0.192.bl.example.  TXT  "two"
0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl6.example. A 127.0.0.2
0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl6.example. TXT "a net of its own"
bad.example.dbl.example.  A    127.0.1.2
bad.example.              MX   10 mail.pass.example.
*.public.example.         A    127.255.255.254
*.parked.example.         A    198.51.100.80
*.closed.example.         A    127.0.0.1
31.2.0.192.w1.example.    A    127.0.0.2
31.2.0.192.w2.example.    A    127.0.0.3
32.2.0.192.w1.example.    A    127.0.0.2
33.2.0.192.w1.example.    A    127.0.0.2
33.2.0.192.w2.example.    A    127.0.0.2
33.2.0.192.wl.example.    A    127.0.9.1
END
my $lies = <<'END';
dead.example * silence
20.2.0.192.bl.dead.example A silence
40.2.0.192.bl.dead.example A silence
lie.example MX 10 mail.pass.example
lie.example TXT hex:ff
lie.example A hex:0102
refused.example * refused
END

my $dns = Tamis::NameServer->new(zones => { '.' => $zone }, broken => ['sick.example'], lies => $lies);
$dns->start;

my $conf = <<'END';
myhostname = mx.test.example
mydestination = test.example
mynetworks = 127.0.0.0/8
dns_timeout = 1s
client_restrictions =
    reject_rbl_client bl.public.example, reject_rbl_client bl.parked.example, reject_rbl_client bl.closed.example
    reject_rbl_client bl.example=127.0.0.[2..11], reject_rbl_client bl6.example, reject_rbl_score
    check_client_access inline:{{192.0.2.40 = reject_rbl_client bl.dead.example}}
helo_restrictions = reject_helo_spf_fail
sender_restrictions = reject_rhsbl_sender dbl.example, reject_unknown_sender_domain,
    reject_spf_fail, reject_spf_permerror, reject_spf_temperror
recipient_restrictions = reject_unknown_recipient_domain
rbl_score_sites = w1.example*2, w2.example=127.0.0.[2..9], wl.example=127.0.[0..255].[0..3]*-3
rbl_score_threshold = 3
END
my $filter = Tamis::Filter->new(conf => $conf, set => { authentication_results => 'iprev, spf', dns_servers => $dns->server });
my $late = Tamis::Filter->new(conf => $conf, set => { authentication_results => 'iprev, spf', received_spf_header => 'yes', dns_servers => $dns->server });

# A name server that says nothing at all.
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die "udp: $!\n";
my $patient = Tamis::Filter->new(conf => <<'END', set => { authentication_results => 'iprev, spf', dns_servers => '127.0.0.1@' . $silent->sockport });
myhostname = mx.test.example
mydestination = test.example
mynetworks = 127.0.0.0/8
stage_time_limit = 2s
dns_timeout = 60s
sender_restrictions = check_sender_access inline:{{a@dead.example = reject_unknown_sender_domain}, {b@dead.example = reject_spf_temperror},
    {c@dead.example = reject_rbl_client bl.dead.example}}
END
my $postfix = Tamis::Postfix->new(ipv6 => 1, smtp => { smtpd_milters => $filter->milter },
    listeners => { late => { smtpd_milters => $late->milter }, patient => { smtpd_milters => $patient->milter } });
ok($_->start, 'tamis starts') or BAIL_OUT($_->stderr) for $filter, $late, $patient;
ok($postfix->start, 'Postfix starts');

my $mails = 0;

# Plays a scene; what the client read last, or, if the message was taken, what stands above
# Postfix's own Received in what was delivered.
sub outcome {
    my (%scene) = @_;
    my $said = Tamis::Smtp->play(
        port => $postfix->port($scene{listener}), helo => 'mail.pass.example', rcpt => ['<r@test.example>'],
        message => "From: a\@b.example\nSubject: x\n\nbody\n", %scene,
        client => { addr => '192.0.2.10', name => 'mail.pass.example', reverse_name => 'mail.pass.example',
            %{ $scene{client} || {} } });
    return $said->{reply} if ($said->{end} // '') !~ /^250 /;
    my @mails = $postfix->mails(++$mails);
    my ($top) = $mails[-1]{message} =~ /\A(.*?)^Received: from /ms;
    return $top =~ s/\r//gr;
}

sub unknown { return { addr => $_[0], name => undef, reverse_name => undef } }

sub field {
    return join(";\n\t", 'Authentication-Results: mx.test.example', @_) . "\n";
}

my $iprev = 'iprev=pass policy.iprev=192.0.2.10 (mail.pass.example)';
my $helo = 'spf=none smtp.helo=mail.pass.example';

# SPF
is(outcome(mail => '<s@pass.example>'), field($iprev, $helo, 'spf=pass smtp.mailfrom=pass.example'), 'pass: the delivered header');
is(outcome(mail => '<s@pass.example>', client => { addr => '2001:db8:1::7', map { $_ => 'v6.pass.example' } qw(name reverse_name) }),
    field('iprev=pass policy.iprev="2001:db8:1::7" (v6.pass.example)', $helo, 'spf=pass smtp.mailfrom=pass.example'), 'pass, IPv6');
is(outcome(mail => '<s@soft.example>'), field($iprev, $helo, 'spf=softfail smtp.mailfrom=soft.example'), 'softfail: passes, and is told');
is(outcome(mail => '<s@none.example>'), field($iprev, $helo, 'spf=none smtp.mailfrom=none.example'), 'none');
is(outcome(mail => '<s@fail.example>'), '550 5.7.23 <s@fail.example>: Sender address rejected: SPF fail: 192.0.2.10 is not allowed'
    . ' to send for fail.example; fail.example says: 192.0.2.10 is no host of fail.example: see'
    . ' http://fail.example/?s=s%40fail.example&h=mail.pass.example', 'fail, with what the domain says');
is(outcome(mail => '<s@fail.example>', client => unknown('2001:db8:2::1')), '550 5.7.23 <s@fail.example>: Sender address rejected: SPF fail:'
    . ' 2001:db8:2::1 is not allowed to send for fail.example; fail.example says:'
    . ' 2.0.0.1.0.D.B.8.0.0.0.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1 is no host of fail.example: see'
    . ' http://fail.example/?s=s%40fail.example&h=mail.pass.example', 'fail, IPv6');
is(outcome(mail => '<s@plain.example>'), '550 5.7.23 <s@plain.example>: Sender address rejected: SPF fail: 192.0.2.10 is not allowed'
    . ' to send for plain.example', 'fail without a word');
is(outcome(mail => '<s@odd.example>'), '550 5.7.23 <s@odd.example>: Sender address rejected: SPF fail: 192.0.2.10 is not allowed'
    . ' to send for odd.example', 'fail, with line ends in the word of the domain');
is(outcome(mail => '<s@two.example>'), '550 5.7.24 <s@two.example>: Sender address rejected: SPF permerror: two.example has 2 SPF records',
    'permerror: two records');
is(outcome(mail => '<s@wrong.example>'), '550 5.7.24 <s@wrong.example>: Sender address rejected: SPF permerror:'
    . ' wrong.example: bad term in the record: ipv4:192.0.2.10', 'permerror: a wrong record');
is(outcome(mail => '<s@loop.example>'), '550 5.7.24 <s@loop.example>: Sender address rejected: SPF permerror: more than 10 terms ask the DNS',
    'permerror: a record that includes itself');
is(outcome(mail => '<s@refers.example>'), '451 4.7.24 <s@refers.example>: Sender address rejected: SPF temperror:'
    . ' the DNS did not answer for spf.sick.example', 'temperror: an included record cannot be had');
is(outcome(mail => '<s@sick.example>'), '451 4.7.24 <s@sick.example>: Sender address rejected: SPF temperror:'
    . ' the DNS did not answer for sick.example', 'temperror: SERVFAIL');
is(outcome(mail => '<s@dead.example>'), '451 4.7.24 <s@dead.example>: Sender address rejected: SPF temperror:'
    . ' the DNS did not answer for dead.example', 'temperror: silence');
is(outcome(mail => '<s@refused.example>'), '451 4.7.24 <s@refused.example>: Sender address rejected: SPF temperror:'
    . ' the DNS did not answer for refused.example', 'temperror: REFUSED');
is(outcome(mail => '<s@lie.example>'), '451 4.7.24 <s@lie.example>: Sender address rejected: SPF temperror:'
    . ' the DNS did not answer for lie.example', 'temperror: an answer that is none');
is(outcome(helo => 'plain.example', mail => '<s@pass.example>'), '550 5.7.23 <plain.example>: Helo command rejected: SPF fail:'
    . ' 192.0.2.10 is not allowed to send for plain.example', 'HELO: fail');
is(outcome(helo => 'helo.example', mail => '<>'), field($iprev, 'spf=pass smtp.helo=helo.example', 'spf=pass smtp.mailfrom=helo.example'),
    'null sender: the name in HELO');
is(outcome(helo => 'helo.example', mail => '<s@none.example>'), field($iprev, 'spf=pass smtp.helo=helo.example',
    'spf=none smtp.mailfrom=none.example'), 'HELO passes, the sender has no record');
is(outcome(mail => '<s@pass.example>', client => { login => 'joe' }), '', 'outgoing mail: no field');

# What is in the message already
is(outcome(mail => '<s@pass.example>', message => "Authentication-Results: MX.test.example 1; spf=pass smtp.mailfrom=bank.example\n"
    . "Authentication-Results: other.example; spf=pass smtp.mailfrom=bank.example\nSubject: x\n\nbody\n"),
    field($iprev, $helo, 'spf=pass smtp.mailfrom=pass.example'), 'a forged field: ours is on top');
my @forged = ($postfix->mails($mails))[-1]{message} =~ /^Authentication-Results: (\S+?);/mg;
is_deeply(\@forged, ['mx.test.example', 'other.example'], 'the forged one is gone, a foreign one stays');

# iprev
is(outcome(mail => '<s@none.example>', client => unknown('192.0.2.50')), field('iprev=permerror reason="no reverse name" policy.iprev=192.0.2.50',
    $helo, 'spf=none smtp.mailfrom=none.example'), 'a client without a name');

# Received-SPF
is(outcome(listener => 'late', mail => '<s@pass.example>'), field($iprev, $helo, 'spf=pass smtp.mailfrom=pass.example') . <<'END', 'Received-SPF: pass');
Received-SPF: pass (mx.test.example: 192.0.2.10 is allowed to send for pass.example)
	client-ip=192.0.2.10;
	envelope-from="s@pass.example";
	helo=mail.pass.example;
	receiver=mx.test.example;
	identity=mailfrom;
	mechanism=mx
END
is(outcome(listener => 'late', mail => '<s@soft.example>', client => unknown('2001:db8:2::1')),
    field('iprev=permerror reason="no reverse name" policy.iprev="2001:db8:2::1"', $helo, 'spf=softfail smtp.mailfrom=soft.example')
    . <<'END', 'Received-SPF: softfail, IPv6');
Received-SPF: softfail (mx.test.example: 2001:db8:2::1 is probably not allowed to send for soft.example)
	client-ip="2001:db8:2::1";
	envelope-from="s@soft.example";
	helo=mail.pass.example;
	receiver=mx.test.example;
	identity=mailfrom;
	mechanism=~all
END

# Block lists
my $listed = '554 5.7.1 Service unavailable; Client host';
is(outcome(mail => '<s@none.example>', client => unknown('192.0.2.20')),
    "$listed [192.0.2.20] blocked using bl.example; see http://bl.example/?ip=192.0.2.20 (100%)", 'listed, with a reason');
is(outcome(mail => '<s@none.example>', client => unknown('192.0.2.21')), "$listed [192.0.2.21] blocked using bl.example", 'listed, without');
like(outcome(mail => '<s@none.example>', client => unknown('192.0.2.22')), qr/^Authentication-Results/, 'a code that is not asked for');
is(outcome(mail => '<s@none.example>', client => unknown('192.0.2.23')), "$listed [192.0.2.23] blocked using bl.example; one / two", 'several codes, several reasons');
is(outcome(mail => '<s@none.example>', client => unknown('2001:db8:1::20')),
    "$listed [2001:db8:1::20] blocked using bl6.example; a net of its own", 'an IPv6 client');
like(outcome(mail => '<s@none.example>', client => unknown('2001:db8:1::21')), qr/^Authentication-Results/, 'another IPv6 client');
is(outcome(mail => '<s@bad.example>'), '554 5.7.1 Service unavailable; Sender address [s@bad.example] blocked using dbl.example', "a sender's domain");
is(outcome(mail => '<s@none.example>', client => unknown('192.0.2.31')),
    "$listed [192.0.2.31] blocked using w1.example*2, w2.example (score 3)", 'lists that together weigh enough');
like(outcome(mail => '<s@none.example>', client => unknown('192.0.2.32')), qr/^Authentication-Results/, 'one that does not');
like(outcome(mail => '<s@none.example>', client => unknown('192.0.2.33')), qr/^Authentication-Results/, 'an allow list weighs against them');
like(outcome(mail => '<s@none.example>', client => unknown('192.0.2.40')), qr/^Authentication-Results/, 'a dead list: not listed');
for my $name (qw(bl.public.example bl.parked.example bl.closed.example)) {
    ok($filter->wait_stderr(qr/\Q$name\E/), "$name lists everybody, which is an error: told");
}

# Domains
is(outcome(mail => '<s@gone.example>'), '450 4.1.8 <s@gone.example>: Sender address rejected: Domain not found', 'a domain that does not exist');
is(outcome(mail => '<s@bare.example>'), '450 4.1.8 <s@bare.example>: Sender address rejected: Domain not found', 'one without hosts');
is(outcome(mail => '<s@null.example>'), '550 5.7.27 <s@null.example>: Sender address rejected: Domain null.example does not accept mail (nullMX)', 'null MX: sender');
is(outcome(mail => '<s@pass.example>', rcpt => ['<r@null.example>']),
    '556 5.1.10 <r@null.example>: Recipient address rejected: Domain null.example does not accept mail (nullMX)', 'null MX: recipient');
is(outcome(mail => '<s@pass.example>', rcpt => ['<r@gone.example>']),
    '450 4.1.2 <r@gone.example>: Recipient address rejected: Domain not found', 'a recipient that does not exist');
is(outcome(mail => '<s@pass.example>', rcpt => ['<r@sick.example>']),
    '450 4.1.2 <r@sick.example>: Recipient address rejected: Domain not found', 'a recipient that cannot be looked up');

# Silence: nobody waits longer than stage_time_limit, and then the answer is temporary.
my $temperror = field($iprev, 'spf=temperror reason="the DNS did not answer for mail.pass.example" smtp.helo=mail.pass.example',
    'spf=temperror reason="the DNS did not answer for dead.example" smtp.mailfrom=dead.example');
my %silence = (listener => 'patient', timeout => 20);
is(outcome(%silence, mail => '<a@dead.example>'), '450 4.1.8 <a@dead.example>: Sender address rejected: Domain not found', 'silence: the domain');
is(outcome(%silence, mail => '<b@dead.example>'), '451 4.7.24 <b@dead.example>: Sender address rejected: SPF temperror: the DNS did not answer for dead.example', 'silence: SPF');
is(outcome(%silence, mail => '<c@dead.example>'), $temperror, 'silence: a list says nothing, the header says so');

# The name server dies: what it said is still known, all else is temporary, and nobody waits long.
$dns->stop;
is(outcome(mail => '<s@plain.example>'), '550 5.7.23 <s@plain.example>: Sender address rejected: SPF fail: 192.0.2.10 is not allowed'
    . ' to send for plain.example', 'no name server: what it said is known');
is(outcome(mail => '<s@new.example>'), '451 4.7.24 <s@new.example>: Sender address rejected: SPF temperror:'
    . ' the DNS did not answer for new.example', 'all else is temporary');
is($_->stop, 0, 'tamis ends well') for $filter, $late, $patient;
done_testing;
