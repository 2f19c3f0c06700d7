#!/usr/bin/perl
# 7-opendmarc - Debian's opendmarc behind tamis in smtpd_milters reads SPF and DKIM from our field, and judges right
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use JSON::PP ();
use Tamis::Guard qw(at_end free_port listening run_command slurp spawn spew stop_process temp_dir wait_until);
use Tamis::NameServer qw(name_server_missing);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Programs qw(server_missing server_program);
use Tamis::Smtp;
use Test::More;

alarm 120;
if (my $why = postfix_missing() // name_server_missing() // server_missing('opendmarc')) {
    plan skip_all => $why;
}

# Keys of two domains, the latter with another one of the same name that nobody publishes.
my $dir = temp_dir();
my $tamis = $ENV{TAMIS} // './tamis';
my $records = '';
for my $domain ('hard.example', 'other.example') {
    mkdir "$dir/$domain" or die "$dir/$domain: $!";
    my ($status, undef, $err) = run_command([$tamis, 'dkim', 'genkey', '-d', $domain, '-s', 'k', '-t', 'both', '-D', "$dir/$domain"]);
    is($status, 0, "keys of $domain") or diag $err;
    $records .= slurp("$dir/$domain/$_.txt") =~ s/^(\S+_domainkey)\s/$1.$domain. /r for qw(k k-ed25519);
}
my $dns = Tamis::NameServer->new(zones => { '.' => $records . <<'END' })->start;
pass.example.  TXT "v=spf1 ip4:192.0.2.10 -all"
fail.example.  TXT "v=spf1 ip4:198.51.100.1 ?all"
hard.example.  TXT "v=spf1 -all"
other.example. TXT "v=spf1 ip4:192.0.2.10 -all"
helo.example.  TXT "v=spf1 ip4:192.0.2.10 -all"
END
my %set = (myhostname => 'mx.test.example', mydestination => 'test.example', mynetworks => '127.0.0.0/8',
    dns_servers => $dns->server, authentication_results => 'iprev, spf');
my $filter = Tamis::Filter->new(set => { %set });
my $dkim = Tamis::Filter->new(set => { %set, authentication_results => 'iprev, spf, dkim' });
my $received = Tamis::Filter->new(set => { %set, authentication_results => '', received_spf_header => 'yes' });

# It never asks for SPF itself (SPFSelfValidate): what it knows stands in the header. Of a null sender it
# believes nothing, so there is none here.
my $port = free_port();
spew("$dir/records", join '', map { "_dmarc.$_.example v=DMARC1; p=reject\n" } qw(pass fail hard helo sub.hard));
spew("$dir/opendmarc.conf", <<"END");
AuthservID         dmarc.test.example
TrustedAuthservIDs mx.test.example
Background         false
Socket             inet:$port\@127.0.0.1
RejectFailures     false
SPFIgnoreResults   false
SPFSelfValidate    false
Syslog             false
TestDNSData        $dir/records
END
my $pid = spawn([server_program('opendmarc'), '-f', '-l', '-c', "$dir/opendmarc.conf"], stderr => "$dir/stderr", stdout => "$dir/stdout");
at_end('opendmarc', sub { stop_process($pid, 'KILL', 10) }); # TERM takes it five seconds
ok(wait_until(20, sub { listening($port) }), 'opendmarc listens') or BAIL_OUT(slurp("$dir/stderr") . slurp("$dir/stdout"));

my $theirs = "inet:127.0.0.1:$port";
my $postfix = Tamis::Postfix->new(smtp => { smtpd_milters => $filter->milter . ", $theirs" },
    listeners => { dkim => { smtpd_milters => $dkim->milter . ", $theirs" }, received => { smtpd_milters => $received->milter . ", $theirs" } });
ok($_->start, 'tamis starts') or BAIL_OUT($_->stderr) for $filter, $dkim, $received;
ok($postfix->start, 'Postfix starts');

my $mails = 0;

sub message {
    my ($domain) = @_;
    return "From: Some One <some.one\@$domain>\nDate: Sun, 22 Nov 2026 07:00:00 +0000\nMessage-ID: <1\@x.example>\nSubject: x\n\nbody\n";
}

# Plays a message; the Authentication-Results fields of what was delivered, from the top, unfolded.
sub fields {
    my (%scene) = @_;
    my $said = Tamis::Smtp->play(port => $postfix->port($scene{listener}), helo => 'client.example', rcpt => ['<r@test.example>'],
        client => { addr => '192.0.2.10', name => 'client.example', reverse_name => 'client.example' },
        mail => $scene{mail}, ($scene{helo} ? (helo => $scene{helo}) : ()),
        message => ($scene{head} // '') . message($scene{from}));
    my @mails = $postfix->mails(++$mails);
    my ($head) = $mails[-1]{message} =~ /\A(.*?)\r\n\r\n/s;
    $head =~ s/\r\n[ \t]+/ /g;
    return [$head =~ /^(Authentication-Results:.*?)\r?$/mg];
}

sub ours { return 'Authentication-Results: mx.test.example; iprev=pass policy.iprev=192.0.2.10 (client.example); ' . join '; ', @_ }
sub theirs { return "Authentication-Results: dmarc.test.example; $_[0]" }

my $no_helo = 'spf=none smtp.helo=client.example';
is_deeply(fields(mail => '<s@pass.example>', from => 'pass.example'),
    [theirs('dmarc=pass (p=reject dis=none) header.from=pass.example'), ours($no_helo, 'spf=pass smtp.mailfrom=pass.example')],
    'the sender passes, and is of the domain in From: pass');
is_deeply(fields(mail => '<s@fail.example>', from => 'fail.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=fail.example'), ours($no_helo, 'spf=neutral smtp.mailfrom=fail.example')],
    'the sender is neutral: fail');
is_deeply(fields(mail => '<s@hard.example>', from => 'hard.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=hard.example'), ours($no_helo, 'spf=fail smtp.mailfrom=hard.example')],
    'the sender fails: fail');
is_deeply(fields(mail => '<s@other.example>', from => 'pass.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=pass.example'), ours($no_helo, 'spf=pass smtp.mailfrom=other.example')],
    'the sender passes, and is of another domain: fail');
is_deeply(fields(helo => 'helo.example', mail => '<s@none.example>', from => 'helo.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=helo.example'), ours('spf=pass smtp.helo=helo.example', 'spf=none smtp.mailfrom=none.example')],
    'only HELO passes, with the domain in From: fail');
is_deeply(fields(helo => 'helo.example', mail => '<s@hard.example>', from => 'helo.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=helo.example'), ours('spf=pass smtp.helo=helo.example', 'spf=fail smtp.mailfrom=hard.example')],
    'HELO passes, the sender fails: fail');
is_deeply(fields(helo => 'helo.example', mail => '<s@pass.example>', from => 'pass.example'),
    [theirs('dmarc=pass (p=reject dis=none) header.from=pass.example'), ours('spf=pass smtp.helo=helo.example', 'spf=pass smtp.mailfrom=pass.example')],
    'both pass, the sender is of the domain in From: pass');
is_deeply(fields(helo => 'helo.example', mail => '<s@pass.example>', from => 'helo.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=helo.example'), ours('spf=pass smtp.helo=helo.example', 'spf=pass smtp.mailfrom=pass.example')],
    'both pass, HELO is of the domain in From: fail');
is_deeply(fields(mail => '<s@hard.example>', from => 'pass.example', head => "Authentication-Results: mx.test.example; spf=pass smtp.mailfrom=pass.example\n"),
    [theirs('dmarc=fail (p=reject dis=none) header.from=pass.example'), ours($no_helo, 'spf=fail smtp.mailfrom=hard.example')],
    'a forged field changes nothing: fail');

# DKIM, where SPF says no; the keys' domains count, not whose address it is.
sub signatures {
    my ($domain, $author, @keys) = @_;
    my $rows = join '', map { "*:$domain:$_:$dir/$domain/$_.private\n" } @keys;
    my $conf = "postfix_config_directory =\nmynetworks = 10.0.0.0/8\nmultiple_signatures = yes\nkey_list = " . spew("$dir/keys", $rows) . "\n";
    my ($status, $out, $err) = run_command([$tamis, 'test', '-c', spew("$dir/sign.conf", $conf), '--json', '--client', 'x[10.0.0.1]',
        spew("$dir/mail.eml", message($author))]);
    is($status, 0, 'signed') or diag $err;
    return join '', map { "$_->{name}:$_->{value}\n" } @{ JSON::PP->new->decode($out)->{edits} };
}

# What opendmarc says of a mail whose sender passes nothing, and our own dkim= results.
sub by_dkim {
    my ($author, $head) = @_;
    my ($theirs, $ours) = @{ fields(listener => 'dkim', mail => '<s@fail.example>', from => $author, head => $head) };
    return join ' ', ($theirs // '') =~ /(dmarc=\w+)/, ($ours // '') =~ /dkim=(\w+)/g;
}
my ($rsa, $ed, $other) = (signatures('hard.example', 'hard.example', 'k'), signatures('hard.example', 'hard.example', 'k-ed25519'),
    signatures('other.example', 'hard.example', 'k'));
my $bad = $rsa =~ s/\bbh=./bh=-/r;
is(by_dkim('hard.example', ''), 'dmarc=fail none', 'not signed: fail');
is(by_dkim('hard.example', $rsa), 'dmarc=pass pass', 'RSA: pass');
is(by_dkim('hard.example', $ed), 'dmarc=pass pass', 'Ed25519: pass');
is(by_dkim('hard.example', $rsa . $ed), 'dmarc=pass pass pass', 'both: pass');
is(by_dkim('hard.example', $other . $rsa), 'dmarc=pass pass pass', 'behind that of another domain: pass');
is(by_dkim('hard.example', $rsa . $other), 'dmarc=pass pass pass', 'in front of that of another domain: pass');
is(by_dkim('hard.example', $other), 'dmarc=fail pass', 'that of another domain alone: fail');
is(by_dkim('sub.hard.example', signatures('hard.example', 'sub.hard.example', 'k')), 'dmarc=pass pass', 'the domain above that of From: pass');
is(by_dkim('hard.example', $rsa =~ s/\bb=(.)/'b=' . ($1 eq 'A' ? 'B' : 'A')/er), 'dmarc=fail fail', 'a bad signature: fail');
is(by_dkim('hard.example', $bad), 'dmarc=fail permerror', 'a malformed signature: fail');
is(by_dkim('hard.example', $rsa . "Subject: more\n"), 'dmarc=fail fail', 'an altered header: fail');
is(by_dkim('hard.example', $rsa =~ s/\bs=k;/s=none;/r), 'dmarc=fail permerror', 'no such key: fail');
is(by_dkim('hard.example', $bad . $rsa), 'dmarc=pass permerror pass', 'a malformed one above a good one: pass');
is(by_dkim('hard.example', "Authentication-Results: mx.test.example; dkim=pass header.d=hard.example\n" . $other), 'dmarc=fail pass',
    'a forged field: fail');

# Without our field it reads Received-SPF, for those who have that alone.
sub received { return fields(listener => 'received', @_) }
is_deeply(received(mail => '<bounce+r=test.example@pass.example>', from => 'pass.example'),
    [theirs('dmarc=pass (p=reject dis=none) header.from=pass.example')], 'Received-SPF, a sender to be quoted: pass');
is_deeply(received(mail => '<s@hard.example>', from => 'hard.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=hard.example')], 'Received-SPF: fail');
is_deeply(received(helo => 'helo.example', mail => '<s@none.example>', from => 'helo.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=helo.example')], 'Received-SPF, only HELO passes: fail');
is($_->stop, 0, 'tamis ends well') for $filter, $dkim, $received;
done_testing;
