#!/usr/bin/perl
# 7-opendmarc - Debian's opendmarc behind tamis in smtpd_milters reads SPF from our field, and judges right
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Guard qw(at_end free_port listening slurp spawn spew stop_process temp_dir wait_until);
use Tamis::NameServer qw(name_server_missing);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Programs qw(server_missing server_program);
use Tamis::Smtp;
use Test::More;

alarm 120;
if (my $why = postfix_missing() // name_server_missing() // server_missing('opendmarc')) {
    plan skip_all => $why;
}

my $dns = Tamis::NameServer->new(zones => { '.' => <<'END' })->start;
pass.example.  TXT "v=spf1 ip4:192.0.2.10 -all"
fail.example.  TXT "v=spf1 ip4:198.51.100.1 ?all"
hard.example.  TXT "v=spf1 -all"
other.example. TXT "v=spf1 ip4:192.0.2.10 -all"
helo.example.  TXT "v=spf1 ip4:192.0.2.10 -all"
END
my %set = (myhostname => 'mx.test.example', mydestination => 'test.example', mynetworks => '127.0.0.0/8',
    dns_servers => $dns->server);
my $filter = Tamis::Filter->new(set => { %set, authentication_results => 'iprev, spf' });
my $received = Tamis::Filter->new(set => { %set, authentication_results => '', received_spf_header => 'yes' });

# It never asks for SPF itself (SPFSelfValidate): what it knows stands in the header. Of a null sender it
# believes nothing, so there is none here.
my $dir = temp_dir();
my $port = free_port();
spew("$dir/records", join '', map { "_dmarc.$_.example v=DMARC1; p=reject\n" } qw(pass fail hard helo));
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
    listeners => { received => { smtpd_milters => $received->milter . ", $theirs" } });
ok($_->start, 'tamis starts') or BAIL_OUT($_->stderr) for $filter, $received;
ok($postfix->start, 'Postfix starts');

my $mails = 0;

# Plays a message; the Authentication-Results fields of what was delivered, from the top, unfolded.
sub fields {
    my (%scene) = @_;
    my $said = Tamis::Smtp->play(port => $postfix->port($scene{listener}), helo => 'client.example', rcpt => ['<r@test.example>'],
        client => { addr => '192.0.2.10', name => 'client.example', reverse_name => 'client.example' },
        mail => $scene{mail}, ($scene{helo} ? (helo => $scene{helo}) : ()),
        message => ($scene{head} // '') . "From: Some One <some.one\@$scene{from}>\nDate: Sun, 22 Nov 2026 07:00:00 +0000\n"
            . "Message-ID: <1\@x.example>\nSubject: x\n\nbody\n");
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

# Without our field it reads Received-SPF, for those who have that alone.
sub received { return fields(listener => 'received', @_) }
is_deeply(received(mail => '<bounce+r=test.example@pass.example>', from => 'pass.example'),
    [theirs('dmarc=pass (p=reject dis=none) header.from=pass.example')], 'Received-SPF, a sender to be quoted: pass');
is_deeply(received(mail => '<s@hard.example>', from => 'hard.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=hard.example')], 'Received-SPF: fail');
is_deeply(received(helo => 'helo.example', mail => '<s@none.example>', from => 'helo.example'),
    [theirs('dmarc=fail (p=reject dis=none) header.from=helo.example')], 'Received-SPF, only HELO passes: fail');
is($_->stop, 0, 'tamis ends well') for $filter, $received;
done_testing;
