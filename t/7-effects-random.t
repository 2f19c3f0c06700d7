#!/usr/bin/perl
# 7-effects-random - random HOLD, REDIRECT, BCC, PREPEND, DISCARD and others: what is delivered, held, gone, beside Postfix's own
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Guard qw(wait_until);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;
use Time::HiRes qw(time);

if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

# LONG=N: N times as many scenes, in N times the seconds that playing may take; SEED: others than those of every day.
my $times = $ENV{LONG} || 1;
my ($count, $seconds) = (60 * $times, 20 * $times);
alarm 60 + 3 * $seconds;
srand($ENV{SEED} // 20240304);
sub one_of { return $_[int rand @_] }
sub chance { return rand() < $_[0] }

# A value for each key.
sub value {
    return one_of(('HOLD', 'HOLD for a look') x 3, 'REDIRECT r1@else.example', 'REDIRECT R2@else.example', 'REDIRECT nobody', 'BCC b1@else.example', 'BCC b2@else.example',
        'BCC u1@y.example', 'BCC nobody', 'PREPEND X-One: a', 'PREPEND X-Two:b', 'PREPEND X-One: a  c', 'PREPEND none', 'WARN w', 'INFO i', 'DUNNO', 'OK',
        'REJECT', 'DEFER', 'DEFER_IF_PERMIT', 'DEFER_IF_REJECT', 'DISCARD', 'DISCARD quietly', 'REDIRECT u1@y.example');
}

my @senders = map { "s$_\@x.example" } 1 .. 12;
my @recipients = map { "u$_\@y.example" } 1 .. 12;
my $filter = Tamis::Filter->new(conf => '');
my $postfix = Tamis::Postfix->new(listeners => { native => { smtpd_milters => '' } });
my (%ours, %native);
for my $list (['sender', \@senders], ['recipient', \@recipients]) {
    my ($class, $keys) = @$list;
    my @tables = map { my $n = $_; "check_${class}_access texthash:" . $postfix->file("$class$n", join '', map { chance(0.55) ? "$_ " . value() . "\n" : "$_ DUNNO\n" } @$keys) } 1 .. 2;
    $ours{"${class}_restrictions"} = join ', ', @tables;
    $native{"smtpd_${class}_restrictions"} = $ours{"${class}_restrictions"};
}
my $data = $postfix->file('table.data', join '', map { chance(0.3) ? "$_ " . one_of('HOLD', 'BCC b3@else.example', 'DISCARD', 'PREPEND X-Three: d', 'REDIRECT r3@else.example', 'REJECT') . "\n" : () } @senders);
$ours{data_restrictions} = $native{smtpd_data_restrictions} = "check_sender_access texthash:$data";
$filter->set(%ours, mynetworks => '127.0.0.0/8', mydestination => 'y.example', myorigin => 'test.example');
ok($filter->start, 'tamis starts') or BAIL_OUT($filter->stderr);
$postfix->{opt}{listeners}{native} = { smtpd_milters => '', %native };
$postfix->{opt}{smtp} = { smtpd_milters => $filter->milter };
$postfix->{opt}{params} = { mydestination => 'y.example', smtpd_reject_unlisted_recipient => 'no' };
$postfix->write_config;
ok($postfix->start, 'Postfix starts');

sub play {
    my ($listener, $scene) = @_;
    my $said = Tamis::Smtp->play(port => $postfix->port($listener), helo => 'h.example', mail => "<$scene->{mail}>", rcpt => [map { "<$_>" } @{ $scene->{rcpt} }],
        message => "Subject: $listener $scene->{n}\n\nbody\n");
    return join "\n", map { defined $_ ? s/queued as \S+/queued as ID/r : '(closed)' } $said->{mail}, @{ $said->{rcpt} }, $said->{end} // '(none)';
}

my (%scene, %differ);
my $until = time + $seconds;
for my $n (1 .. $count) {
    my %to;
    my $scene = $scene{$n} = { n => $n, mail => one_of(@senders), rcpt => [grep { !$to{$_}++ } map { one_of(@recipients) } 1 .. one_of(1, 1, 2, 3, 5)] };
    my ($native, $ours) = map { play($_, $scene) } 'native', 'smtp';
    $differ{$n} = "Postfix:\n$native\ntamis:\n$ours" if $native ne $ours;
    last if time > $until;
}
is_deeply(\%differ, {}, scalar(keys %scene) . ' scenes are answered alike');

# What became of each: was it held? To whom did it go, in the end, and with what on top?
ok($postfix->drained, 'all but what is held is delivered');
my (%fate, %held);
for my $queue (grep { $_->{queue_name} eq 'hold' } $postfix->queue) {
    my (undef, $text) = $postfix->command('postcat', ['-qh', $queue->{queue_id}]);
    my ($listener, $n) = $text =~ /^Subject: (\w+) (\d+)$/m or next;
    $fate{$n}{$listener}{held} = $held{$n} = 1;
}
$postfix->command('postsuper', ['-H', 'ALL']);
$postfix->command('postqueue', ['-f']);
ok(wait_until(20, sub { !$postfix->queue }), 'and that, too, when it is released');
for my $mail ($postfix->mails(1, 1)) {
    my ($listener, $n) = $mail->{message} =~ /^Subject: (\w+) (\d+)\r$/m or next;
    my ($head) = split /\r?\n\r?\n/, $mail->{message};
    my $fate = $fate{$n}{$listener} //= {};
    my %seen; # a rule's field stands once
    $fate->{"with $_"} = 1 for join '; ', grep { !$seen{$_}++ } $head =~ /^(X-(?:One|Two|Three):.*?)\r?$/mg;
    # smtpd sends a copy for each recipient whose rule asks for it; tamis never sends two.
    $fate->{"to $_"} = ($listener eq 'native' ? 0 : $fate->{"to $_"} // 0) + 1 for map { lc } @{ $mail->{recipients} };
}
my %odd;
for my $n (keys %scene) {
    my ($native, $ours) = map { my $fate = $fate{$n}{$_}; $fate ? join ' | ', map { "$_ ($fate->{$_})" } sort keys %$fate : 'nothing' } 'native', 'smtp';
    $odd{$n} = "$scene{$n}{mail} to @{ $scene{$n}{rcpt} }\nPostfix: $native\ntamis:   $ours" if $native ne $ours;
}
is(scalar keys %odd, 0, 'and have the same fate') or diag join "\n", (values %odd)[0 .. (keys(%odd) > 6 ? 5 : keys(%odd) - 1)];
cmp_ok(scalar keys %held, '>', 3, scalar(keys %held) . ' were held');
is($filter->stop, 0, 'tamis ends well');
done_testing;
