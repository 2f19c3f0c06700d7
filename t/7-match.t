#!/usr/bin/perl
# 7-match - random mynetworks, relay_domains and mydestination: whom tamis and a real smtpd permit
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Guard qw(run_command spew temp_dir);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

# LONG=N: N times as many rounds; SEED=N: another series.
my $times = $ENV{LONG} || 1;
alarm 300 * $times;
srand($ENV{SEED} // 20240302);
my $dir = temp_dir();

sub one_of { return $_[int rand @_] }
sub chance { return rand() < $_[0] }

my $postfix = Tamis::Postfix->new(ipv6 => 1, listeners => { map { ("net$_" => {}) } 0 .. 7 });
my %file = map { ($_->[0] => $postfix->file(@$_)) } (
    ['nets', "# 10.0.0.0/8\n10.1.0.0/16 # office 192.0.2.0/24\n  172.16.0.0/12\n\nmail.example.com\n"],
    ['names', "Example.COM\n  .example.net !host.example.org\r\n #not.example\nlast.example"],
    ['outer', "!$postfix->{dir}/names $postfix->{dir}/nets\n"],
    ['empty', ''],
    ['hash', "10.1.2.3 x\nexample.org x\n.sub.example.com x\n2001:db8::5 x\n"],
    ['cidr', "10.2.0.0/16 OK\n2001:db8:1::/48 OK\n"],
    ['regexp', "/^192\\.0/ OK\n/\\.net\$/ OK\n"],
);

# --- patterns; what Postfix ends itself for ("!" and nothing behind it) is left out

sub network {
    return one_of('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '10.1.2.3/32', '[10.1.2.3]', '[10.1.2.0]/24',
        '192.0.2.0/24', '192.0.2.128/25', '[2001:db8::]/32', '[2001:db8::5]', '[2001:DB8:0:0::5]',
        '[2001:db8:1::/48]', '[::]/0', '0.0.0.0/0', '[::1]/128', '127.0.0.0/8') if chance(0.8);
    return one_of('10.1.2.3/8', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8x', '10.1', '10.', '999.1.1.1', '10.1.2.3.4',
        '[2001:db8::5]/32', '[2001:db8::', '[2001:db8::]/129', '[10.0.0.0]8', '0/0', '2001:db8::/32', '[]', '[x]', '1',
        '010.1.2.3', '10.1.2/24');
}

sub name {
    return one_of('example.com', '.example.com', 'EXAMPLE.net', '.Example.net', 'mail.example.com', 'com', 'unknown',
        'host.example.org', "M\xc3\x9cLLER.example", 'xn--mller-kva.example', '.', 'example.', '*', '*.example.com', '@example.com',
        '#', '#comment');
}

sub table {
    return one_of("texthash:$file{hash}", "TEXTHASH:$file{hash}", "cidr:$file{cidr}", "regexp:$file{regexp}", 'static:all',
        'inline:{10.1.2.3=x, example.com=y}', 'inline:{.example.net=x}', "proxy:texthash:$file{hash}",
        "texthash:$dir/none") if chance(0.9);
    return "$dir/none";
}

sub pattern {
    my ($share) = @_;
    my $not = chance(0.2) ? one_of('!', '!', '!!') : '';

    return $not . network() if chance($share);
    return $not . name() if chance(0.5);
    return $not . one_of(@file{qw(nets names outer empty)}) if chance(0.4);
    return $not . table();
}

sub list {
    my ($share) = @_;
    return join one_of(', ', ' ', ',', ' , '), map { pattern($share) } 1 .. int rand 6;
}

sub parents { return one_of('mynetworks,relay_domains', 'mynetworks relay_domains', '', 'smtpd_access_maps', 'static:all') }

# --- those who ask

my @clients = (['mail.example.com', '10.1.2.3'], ['unknown', '10.1.2.4'], ['Host.Example.ORG', '10.2.0.1'],
    ['a.b.example.net', '192.0.2.200'], ['example.com', '198.51.100.1'], ['unknown', '2001:db8::5'],
    ['deep.sub.example.com', '2001:db8:1::7'], ['unknown', '::1'], ['unknown', '172.16.9.9'], ['xexample.com', '203.0.113.9']);
my @domains = ('example.com', 'Mail.EXAMPLE.com', 'a.b.example.net', 'example.net', 'host.example.org', 'example.org', 'last.example',
    'xexample.com', 'com', 'unknown', 'deep.sub.example.com', 'sub.example.com', 'xn--mller-kva.example', 'mx.test.example');

# The codes that tamis answers with, main.cf being as given.
sub tamis {
    my ($main, @script) = @_;
    spew("$dir/main.cf", $main);
    spew("$dir/milter.conf", "postfix_config_directory = $dir\nauthentication_results =\n"
        . "client_restrictions = \$clients\nrecipient_restrictions = \$recipients\n"
        . ($main =~ /^mynetworks/m ? "clients = permit_mynetworks, reject\nrecipients =\n"
            : "clients =\nrecipients = permit_auth_destination, reject\n"));
    my ($status, $out, $err) = run_command([$ENV{TAMIS} // './tamis', 'test', '-c', "$dir/milter.conf",
            '--session', '-'], stdin => join '', map { "$_\n" } @script);
    diag "tamis: $status\n$err" if $status != 0;
    return map { substr $_, 0, 3 } grep { !/^250/ || 1 } split /\n/, $out;
}

sub differences {
    my ($list, $what, $want, $got, @asked) = @_;
    my @bad = grep { ($want->[$_] // '') ne ($got->[$_] // '') } 0 .. $#asked;

    diag "$what = $list\n", map { "$asked[$_]: Postfix $want->[$_], tamis " . ($got->[$_] // 'nothing') . "\n" } @bad if @bad;
    return scalar @bad;
}

sub code { return substr $_[0] // 'none', 0, 3 }

sub networks {
    my ($listener, $list, $parents) = @_;
    my (@want, @got);

    for my $client (@clients) {
        my ($name, $addr) = @$client;
        my $said = Tamis::Smtp->play(port => $postfix->port($listener), helo => 'x.example',
            client => { name => $name eq 'unknown' ? undef : $name, addr => $addr });
        push @want, code($said->{rcpt}[0]);
    }
    my @answers = tamis("mynetworks = $list\nparent_domain_matches_subdomains = $parents\n",
        'helo x.example', 'mail <a@b.example>', map { ("client @$_", 'rcpt <c@d.example>') } @clients);
    @got = @answers[map { 3 + 2 * $_ } 0 .. $#clients];
    return differences("$list ($parents)", 'mynetworks', \@want, \@got, map { "@$_" } @clients);
}

sub destinations {
    my ($relay, $mine, $parents) = @_;
    my $said = Tamis::Smtp->play(port => $postfix->port, helo => 'x.example', rcpt => [map { "<u\@$_>" } @domains]);
    my @want = map { code($_) } @{ $said->{rcpt} };
    my @got = tamis("relay_domains = $relay\nmydestination = $mine\nparent_domain_matches_subdomains = $parents\n"
        . "inet_interfaces = 127.0.0.1\n", 'helo x.example', 'mail <a@b.example>', map { "rcpt <u\@$_>" } @domains);
    return differences("$relay, mydestination = $mine ($parents)", 'relay_domains', \@want, [@got[2 .. $#got]], @domains);
}

my ($bad_networks, $bad_domains, $started) = (0, 0);
for my $round (1 .. 3 * $times) {
    my %lists = map { ("net$_" => [list(0.6), parents()]) } 0 .. 7;
    my ($relay, $mine, $parents) = (list(0), list(0), parents());

    for my $listener (keys %lists) {
        $postfix->{opt}{listeners}{$listener} = { mynetworks => $lists{$listener}[0],
            parent_domain_matches_subdomains => $lists{$listener}[1],
            smtpd_client_restrictions => 'permit_mynetworks, reject' };
    }
    my %params = (relay_domains => $relay, mydestination => $mine, parent_domain_matches_subdomains => $parents,
        smtpd_reject_unlisted_recipient => 'no', proxy_read_maps => "proxy:texthash:$file{hash}");
    $postfix->{opt}{smtp} = { smtpd_relay_restrictions => 'permit_auth_destination, reject' };
    $postfix->{opt}{params} = { %{ $postfix->{opt}{params} // {} }, %params };
    $postfix->write_config;
    $started++ ? $postfix->reload(%params) : $postfix->start;
    $bad_networks += networks($_, @{ $lists{$_} }) for sort keys %lists;
    $bad_domains += destinations($relay, $mine, $parents);
}
is($bad_networks, 0, 'mynetworks: each client is permitted, refused or put off by both');
is($bad_domains, 0, 'relay_domains, mydestination: so is each recipient');
ok($postfix->stop, 'Postfix ends');
done_testing;
