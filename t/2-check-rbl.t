#!/usr/bin/perl
# 2-check-rbl - what `tamis check` says about block lists: closed, misused, asked through a public resolver, broken
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use IO::Socket::INET;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Test::More;
use Time::HiRes 'time';

alarm 120;
my $v6 = '0.0.0.0.0.f.7.f.f.f.f' . '.0' x 20;
my $zone = write_file('zone', <<"END");
2.0.0.127.good.example.   A 127.0.0.2
2.$v6.good.example.       A 127.0.0.2
2.0.0.127.four.example.   A 127.0.0.2
2.0.0.127.all.example.    A 127.0.0.2
1.0.0.127.all.example.    A 127.0.0.2
2.0.0.127.six.example.    A 127.0.0.2
2.$v6.six.example.        A 127.0.0.2
1.$v6.six.example.        A 127.0.0.2
2.0.0.127.open.example.   A 127.255.255.254
*.parked.example.         A 203.0.113.5
test.domains.example.     A 127.0.1.2
test.every.example.       A 127.0.1.2
invalid.every.example.    A 127.0.1.2
\$SERVFAIL 2.0.0.127.dead.example.
\$SERVFAIL 2.0.0.127.gone.example.
END

my $conf; # the path of the last configuration

# What is said of a configuration, without its name, sorted; with its exit status in front. Whatever
# this machine's resolv.conf says, and without asking anybody there.
sub said {
    my ($text, @options) = @_;
    $text .= "dns_servers = 127.0.0.1\n" unless $text =~ /^dns_servers/m;
    $conf = write_file('milter.conf', "postfix_config_directory =\n$text");
    my (undef, $err, $status) = run_tamis('', 'check', '-c', $conf, @options);
    return join "\n", $status, sort map { s/^\Q$conf\E:(\d+): /$1: /r } split /\n/, $err;
}

sub says { my ($name, $text, $want, @options) = @_; is(said($text, @options), join("\n", @$want), $name) }

sub asked { my ($name, $text, @want) = @_; says($name, $text, [0, @want], '--zone', $zone) }

sub unasked { my ($name, $text, @want) = @_; says($name, $text, [0, @want], '--no-dns') }

# --- RFC 5782
my $rbl = 'client_restrictions = reject_rbl_client';
asked('a good list', "$rbl good.example\n");
asked('IPv4 only', "$rbl four.example\n",
    '2: note: the list four.example does not hold ::ffff:7f00:2 (RFC 5782, section 5): it may know nothing of clients with IPv6');
asked('IPv4 only, and no IPv6 here', "$rbl four.example\ninet_protocols = ipv4\n");
asked('lists everybody', "$rbl all.example\ninet_protocols = ipv4\n",
    '2: warning: the list all.example holds 127.0.0.1, which no list does (RFC 5782, section 5): does it list everybody? Remove it');
asked('lists everybody with IPv6', "$rbl six.example\n",
    '2: warning: the list six.example holds ::ffff:7f00:1, which no list does (RFC 5782, section 5): does it list everybody? Remove it');
asked('lists nobody', "$rbl nothing.example\n",
    '2: warning: the list nothing.example does not hold 127.0.0.2, as a list of clients has to (RFC 5782, section 5): '
        . 'has it closed, is its name misspelt, or is it for domains?');
asked('refuses', "$rbl open.example\ninet_protocols = ipv4\n",
    '2: warning: the list open.example answers with an error, 127.255.255.254: the list refuses queries through public resolvers; '
        . 'it lists nobody like that');
asked('parked', "$rbl parked.example\n",
    '2: warning: the list parked.example answers with an error, 203.0.113.5: an address outside 127.0.0.0/8: '
        . 'the list is gone, or somebody answers in its place; it lists nobody like that');
asked('does not answer', "$rbl dead.example, reject_rbl_client good.example\ninet_protocols = ipv4\n",
    '2: warning: the list dead.example does not answer: SERVFAIL');
asked('none answers', "$rbl dead.example, reject_rbl_client gone.example\ninet_protocols = ipv4\n",
    '2: warning: none of the 2 block lists answers for its test entry, 127.0.0.2 (SERVFAIL): is the name server that is asked at work, '
        . 'and may it ask them? Look at dns_servers, dns_recursion and /etc/resolv.conf');
asked('none is known', "$rbl nothing.example, reject_rbl_client no.example\ninet_protocols = ipv4\n",
    '2: warning: none of the 2 block lists answers for its test entry, 127.0.0.2 (no such name): is the name server that is asked at work, '
        . 'and may it ask them? Look at dns_servers, dns_recursion and /etc/resolv.conf');
asked('domains', "sender_restrictions = reject_rhsbl_sender domains.example, permit_rhswl_client domains.example\n");
asked('every domain', "helo_restrictions = reject_rhsbl_helo every.example\n",
    '2: warning: the list every.example holds INVALID, which no list does (RFC 5782, section 5): does it list everybody? Remove it');
asked('a list of clients asked for domains', "helo_restrictions = reject_rhsbl_helo good.example\n",
    '2: warning: the list good.example does not hold TEST, as a list of domains has to (RFC 5782, section 5): '
        . 'has it closed, is its name misspelt, or is it for addresses?');
asked('scores', "client_restrictions = reject_rbl_score\nrbl_score_sites = good.example*2 all.example\ninet_protocols = ipv4\n",
    '3: warning: the list all.example holds 127.0.0.1, which no list does (RFC 5782, section 5): does it list everybody? Remove it');
unasked('--no-dns', "$rbl nothing.example\n");

# --- lists and filters
my $closed = 'remove it, before somebody else answers under its name';
unasked('closed', "$rbl dnsbl.sorbs.net\n", "2: warning: the list dnsbl.sorbs.net closed in June 2024: $closed");
unasked('closed, a part', "$rbl Spam.DNSBL.sorbs.net.=127.0.0.6\n",
    "2: warning: the list Spam.DNSBL.sorbs.net. closed in June 2024: $closed");
unasked('not closed', "$rbl notdnsbl.sorbs.net.example, reject_rbl_client xdnsbl.sorbs.net\n");
unasked('closed, in a score', "client_restrictions = reject_rbl_score\nrbl_score_sites = list.dsbl.org*2\n",
    "3: warning: the list list.dsbl.org closed in 2008: $closed");
unasked('a filter for errors', "$rbl good.example=127.255.255.254\n",
    '2: warning: good.example=127.255.255.254 never counts as a listing: the list refuses queries through public resolvers');
unasked('a filter for other addresses', "$rbl good.example=10.0.0.[1..9]\n",
    '2: warning: good.example=10.0.0.[1..9] never counts as a listing: lists answer with 127.x.y.z');
says('a threshold that is none', "client_restrictions = reject_rbl_score x\nrbl_score_sites = a.example\n",
    [78, '2: error: client_restrictions: x: is neither a restriction nor a number: behind reject_rbl_score write its threshold, '
        . 'a number from 1, or nothing'], '--no-dns');
unasked('no sites', "client_restrictions = reject_rbl_score\n",
    '2: warning: reject_rbl_score rejects nothing: rbl_score_sites is empty');
unasked('too high', "client_restrictions = reject_rbl_score 4\nrbl_score_sites = a.example*3 b.example*-2\n",
    '2: warning: reject_rbl_score 4 rejects nothing: all weights of rbl_score_sites together are 3, less than the threshold 4');
unasked('without effect', "rbl_score_sites = a.example\n",
    '2: warning: rbl_score_sites has no effect: put reject_rbl_score into a restriction list');
unasked('no old list', "client_restrictions = reject_maps_rbl\n",
    '2: warning: client_restrictions: reject_maps_rbl is obsolete: use reject_rbl_client',
    '2: warning: reject_maps_rbl rejects nothing: maps_rbl_domains is empty');
my $replies = write_file('replies', "good.example 550 \$nobody\nall.example no code\n");
like(said("$rbl good.example\nrbl_reply_maps = texthash:$replies\n", '--no-dns'),
    qr{^0\n\Q$replies:1: warning: good.example: "550 \E\$\Qnobody" names a macro that there is not; default_rbl_reply is used instead\E\n}m,
    'a template with a macro that nobody knows');

# --- public resolvers
for ([qw(8.8.8.8 Google)], [qw(2001:4860:4860::8844 Google)], [qw(1.1.1.1 Cloudflare)], [qw(2606:4700:4700::1111 Cloudflare)],
    [qw(9.9.9.9 Quad9)], [qw(2620:fe::fe Quad9)], [qw(208.67.222.222 OpenDNS)]) {
    my ($server, $owner) = @$_;
    my $warning = "3: warning: block lists refuse queries through $server, a public resolver ($owner): set "
        . 'dns_recursion = yes, or run a resolver of your own and name it in dns_servers';
    unasked("$server", "$rbl good.example\ndns_servers = 127.0.0.1 $server\n", $warning);
    unasked("$server with a port", "$rbl good.example\ndns_servers = $server\@53\n", $warning);
}
unasked('no block list', "dns_servers = 8.8.8.8\n");
unasked('recursion', "$rbl good.example\ndns_servers = 8.8.8.8\ndns_recursion = yes\n");
unasked('a resolver of our own', "$rbl good.example\ndns_servers = 127.0.0.1\n");

# --- a name server that is silent: nobody waits long
my $silent = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "socket: $!";
my $begun = time;
says('a silent name server', "$rbl a.example, reject_rbl_client b.example\ndns_servers = 127.0.0.1\@" . $silent->sockport . "\n",
    [0, '2: warning: none of the 2 block lists answers for its test entry, 127.0.0.2 (timeout): is the name server that is asked at work, '
        . 'and may it ask them? Look at dns_servers, dns_recursion and /etc/resolv.conf']);
cmp_ok(time - $begun, '<', 30, 'the end does not wait for it');

done_testing();
