#!/usr/bin/perl
# 7-replies - what an SMTP client reads: tamis behind Postfix beside Postfix's own restrictions, byte for byte
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 300;
if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

# Each value stands behind one key in each of four tables; the same tables are read by Postfix for
# one listener and by tamis for the other.
my @values = (
    'REJECT', 'REJECT you are  not welcome', 'REJECT 5.1.1 no such', 'REJECT 4.7.1 x',
    'REJECT 2.7.1 x', 'REJECT 5.1.8 a', 'REJECT 5.1.12 a', 'REJECT 5.7.1', 'REJECT 5.7.1x y',
    'DEFER', 'DEFER 5.7.1 x', 'DEFER later', '450 try', '550 5.7.9 go', '550 4.7.9 x', '599 odd',
    '550', '12345', '600 x', '45 x', 'FROBNICATE now', 'OK', 'OK whatever', 'RELAY', 'DUNNO',
    'DUNNO text', 'permit', 'reject', 'defer', 'warn_if_reject, reject', 'warn_if_reject reject, defer',
    'check_sender_access hash:/nowhere', 'reJect Mixed case', "REJECT Adresse IP blacklistée",
    'DEFER_IF_PERMIT', 'DEFER_IF_PERMIT 4.2.1 some text', 'DEFER_IF_REJECT',
    'DEFER_IF_REJECT, reject', 'defer_if_reject, reject', 'defer_if_permit', 'HOLD', 'HOLD for a look',
    'DISCARD', 'DISCARD quietly', 'WARN hm', 'INFO well', 'PREPEND X-One: two', 'PREPEND nonsense',
    'REDIRECT someone@else.example', 'REDIRECT nobody', 'BCC copy@else.example',
    'reject_non_fqdn_sender, reject', 'reject_invalid_helo_hostname', 'permit_mynetworks, reject',
    'REJECT ' . 'x' x 470 . '123456789012345678901234567890', "REJECT a\tb", 'stern', 'reject_unauth_destination',
    'permit_auth_destination, reject', 'REJECT <angle> %s %% "quotes"',
);
my %key = (
    client    => sub { "198.51.100.$_[0]" },
    helo      => sub { "h$_[0].example" },
    sender    => sub { "s$_[0]\@x.example" },
    recipient => sub { "r$_[0]\@y.example" },
);
my @classes = qw(client helo sender recipient);

my $filter = Tamis::Filter->new(conf => '');
my $postfix = Tamis::Postfix->new(listeners => { native => { smtpd_milters => '' } });
my (%native, %ours);
for my $class (@classes) {
    my $table = $postfix->file("table.$class",
        join '', map { $key{$class}->($_) . " $values[$_]\n" } 0 .. $#values);
    my $list = "check_${class}_access texthash:$table";
    $native{"smtpd_${class}_restrictions"} = $list;
    $ours{"${class}_restrictions"} = $list;
}
my %site = (
    restriction_classes => 'stern',
    stern => 'warn_if_reject reject, reject',
);
$filter->set(%ours, %site, mynetworks => '127.0.0.0/8', mydestination => 'y.example', myorigin => 'test.example');
ok($filter->start, 'tamis starts') or BAIL_OUT($filter->stderr);

$postfix->{opt}{milters} = '';
$postfix->{opt}{listeners}{native} = { smtpd_milters => '', %native };
$postfix->{opt}{smtp} = { smtpd_milters => $filter->milter };
$postfix->{opt}{params} = { mydestination => 'y.example', stern => $site{stern},
    smtpd_restriction_classes => $site{restriction_classes} };
$postfix->write_config;
ok($postfix->start, 'Postfix starts');

# Plays one scene at one listener; returns what the client read, without the queue id.
sub scene {
    my ($listener, $class, $i) = @_;
    my $said = Tamis::Smtp->play(
        port => $postfix->port($listener),
        client => { name => undef, addr => $class eq 'client' ? $key{client}->($i) : '192.0.2.1' },
        helo => $class eq 'helo' ? $key{helo}->($i) : 'fine.example',
        mail => '<' . ($class eq 'sender' ? $key{sender}->($i) : 'sender@fine.example') . '>',
        rcpt => [ '<' . ($class eq 'recipient' ? $key{recipient}->($i) : 'rcpt@y.example') . '>' ],
        message => "Subject: $class $i\n\nbody\n",
    );
    return join "\n", map { defined $_ ? s/queued as \S+/queued as ID/r : '(closed)' }
        $said->{mail}, @{ $said->{rcpt} }, $said->{end} // '(none)';
}

# Postfix means to cut a reply at 510 bytes (RFC 5321 section 4.5.3.1.5), but 3.7 does not; tamis does.
for my $class (@classes) {
    for my $i (0 .. $#values) {
        my $native = scene('native', $class, $i) =~ s/^(.{510}).*$/$1/mr;
        is(scene('smtp', $class, $i), $native, "$class " . substr $values[$i], 0, 60);
    }
}

# What was delivered must be the same, too: each message went in twice, once a listener.
ok($postfix->drained, 'all is delivered');
my %delivered;
for my $mail ($postfix->mails(1)) {
    my ($subject) = $mail->{message} =~ /^Subject: (.*?)\r$/m;
    my ($prepended) = $mail->{message} =~ /^(X-One: .*?)\r$/m;
    push @{ $delivered{$subject} }, join ' ', (sort @{ $mail->{recipients} }), $prepended // ();
}
my @odd = grep { @{ $delivered{$_} } % 2 || join('|', sort @{ $delivered{$_} })
        ne join('|', map { ($_) x 2 } @{[ (sort @{ $delivered{$_} })[ map { 2 * $_ } 0 .. @{ $delivered{$_} } / 2 - 1 ] ]}) }
    sort keys %delivered;
is_deeply(\@odd, [], 'every message was delivered alike') or diag explain { map { $_ => $delivered{$_} } @odd };
my %held;
$held{ $_->{sender} . ' ' . $_->{recipients}[0]{address} }++ for grep { $_->{queue_name} eq 'hold' } $postfix->queue;
is_deeply([ grep { $held{$_} % 2 } keys %held ], [], 'held alike');
ok(scalar(keys %held), 'some were held');
is($filter->stop, 0, 'tamis ends well');
done_testing;
