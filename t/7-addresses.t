#!/usr/bin/perl
# 7-addresses - envelope addresses, odd and random: the keys that smtpd makes of them, what it asks of their form
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

# LONG=N: N times as many addresses; SEED: others than those of every day.
my $count = 300 * ($ENV{LONG} || 1);
alarm 120 * ($ENV{LONG} || 1);
srand($ENV{SEED} // 20240302);
sub one_of { return $_[int rand @_] }
sub chance { return rand() < $_[0] }

my %facts = (mydestination => 'test.example, y.example', relay_domains => 'r.example', myorigin => 'test.example',
    inet_interfaces => '127.0.0.1', mynetworks => '127.0.0.0/8');
my $conf = join '', "postfix_config_directory =\n", map { "$_ = $facts{$_}\n" } sort keys %facts;
my $filter = Tamis::Filter->new(conf => $conf);
my $keys = $filter->file('keys.regexp', "/^(.*)\$/ REJECT key \$1\n");
my %form = (helo_required => 'yes', strict_rfc821_envelopes => 'yes');
my $postfix = Tamis::Postfix->new(listeners => {
    keys => { smtpd_delay_reject => 'no', smtpd_sender_restrictions => "check_sender_access regexp:$keys",
        smtpd_relay_restrictions => "check_recipient_access regexp:$keys, reject" },
    form => { smtpd_helo_required => 'yes', strict_rfc821_envelopes => 'yes', smtpd_delay_reject => 'no' },
    ours => { smtpd_milters => $filter->milter },
}, params => { %facts, smtpd_hard_error_limit => 1000000, smtpd_soft_error_limit => 1000000, smtpd_error_sleep_time => 0,
    smtpd_recipient_overshoot_limit => 1000000, smtpd_reject_unlisted_recipient => 'no', default_transport => 'discard:',
    local_transport => 'discard:', relay_transport => 'discard:' });
$filter->file('milter.conf', $conf . "mode = enforce\ndelay_reject = no\n" . join '', map { "$_ = $form{$_}\n" } sort keys %form);
ok($filter->start, 'tamis starts') or BAIL_OUT($filter->stderr);
ok($postfix->start, 'Postfix starts');

# --- keys: what tamis derives without the MTA's macros is what smtpd looks up

my @domains = ('y.example', 'test.example', 'Y.example', 'r.example', 'a.example', 'b.A.example', '[127.0.0.1]', '[192.0.2.9]', 'sub.y.example', 'y.example.');
sub local_part {
    my ($depth) = @_;
    my $word = one_of('u', 'U+e', 'owner-x', "\xc3\xa9", 'a.b', 'postmaster', 'x_y');
    return $word if $depth == 0 || chance(0.3);
    my ($inner, $domain) = (local_part($depth - 1), one_of(@domains[0 .. 5]));
    return one_of("$inner%$domain", "$domain!$inner", "$inner\@$domain", "\"$inner\"");
}

sub address {
    my $local = local_part(3);
    $local =~ s/"//g, $local = "\"$local\"" if $local =~ /[\@"]/;
    return chance(0.15) ? $local =~ /"/ ? 'u' : $local : $local . '@' . one_of(@domains);
}

my @addresses = ('', 'u%a.example@y.example', 'a.example!u@y.example', '"u@a.example"@y.example', '"u%a.example"@test.example', 'u%y.example@r.example',
    'u%a.example@r.example', 'u%v%y.example@test.example', 'r.example!u%a.example@y.example', 'u%a.example', 'a.example!u%y.example', 'u%y.example@y.example',
    'y.example!y.example!u', 'u%a.example@[127.0.0.1]', 'u%a.example@[192.0.2.9]', 'postmaster%a.example@y.example', '@r.example:u%a.example@y.example',
    map { address() } 1 .. $count);

sub key { return ($_[0] // '(closed)') =~ /key (.*)/ ? $1 : $_[0] =~ /^2/ ? 'none' : $_[0] =~ /^501 5\.1\.[37]/ ? undef : $_[0] }

my $smtp = Tamis::Smtp->new($postfix->port('keys'));
$smtp->command('EHLO harness.test.example');
my (%smtpd, @script);
for my $address (@addresses) {
    $smtpd{"mail <$address>"} = key($smtp->command("MAIL FROM:<$address>"));
    $smtp->command('RSET');
    push @script, "mail <$address>";
}
$smtp->quit;
$postfix->{opt}{listeners}{keys}{smtpd_sender_restrictions} = '';
$postfix->write_config;
$postfix->reload;
$smtp = Tamis::Smtp->new($postfix->port('keys'));
$smtp->command('EHLO harness.test.example');
$smtp->command('MAIL FROM:<s@a.example>');
for my $address (grep { $_ ne '' } @addresses) {
    $smtpd{"rcpt <$address>"} = key($smtp->command("RCPT TO:<$address>"));
    push @script, "rcpt <$address>";
}
$smtp->quit;

@script = grep { defined $smtpd{$_} } @script;
my $candidate = $filter->file('keys.conf',
    $conf . "delay_reject = no\nsender_restrictions = check_sender_access regexp:$keys\nrecipient_restrictions = check_recipient_access regexp:$keys\n");
my ($status, $out, $err) = $filter->command('test', '-c', $candidate, '--session', $filter->file('script', join '', map { "$_\n" } @script));
is($status, 0, 'the script is played') or diag $err;
my @answers = split /\n/, $out;
my @differ = grep { key($answers[$_]) ne $smtpd{ $script[$_] } } 0 .. $#script;
cmp_ok(scalar @script, '>', $count, scalar(@script) . ' addresses are taken by smtpd');
is(scalar @differ, 0, 'and each has the same key') or diag map { "$script[$_]: smtpd $smtpd{ $script[$_] }, tamis $answers[$_]\n" } @differ[0 .. ($#differ < 10 ? $#differ : 10)];

# --- form: helo_required, strict_rfc821_envelopes

my @forms = ('<u@a.example>', ' <u@a.example>', 'u@a.example', ' u@a.example', '<u@a.example', 'u@a.example>', '<u@a.example> SIZE=10', '<u@a.example>SIZE=10',
    'u@a.example SIZE=10', '<>', '""', '<"">', '< u@a.example >', '<u@a.example >', '<u a@a.example>', '"u a"@a.example', '<"u a"@a.example>', '<@r.example:u@a.example>',
    '@r.example:u@a.example', '<u>', 'u', '<@a.example>', '<u@>', '<u@@a.example>', '(c) u@a.example', '<u@a.example>(c)', '<(c)u@a.example>', '<u(c)@a.example>',
    'U <u@a.example>', '<u@a.example>,<v@a.example>', '<u@a.example,v@a.example>', '<<u@a.example>>', '<u\\@a.example>', '<u@a.example>>', '<u;v@a.example>', '<u:v@a.example>',
    '<g:u@a.example;>', "<\xc3\xa9\@a.example>", "\xc3\xa9\@a.example", '<"u@a.example>', '<u@[192.0.2.9]>', '<u@[192.0.2.9>', '<.u@a.example>', '<u..v@a.example>', '<u@a..example>',
    '<postmaster>', 'postmaster', '<u@a.example.>', '<"u"v@a.example>', '<u@a.example> ');

# One address in its own session.
sub said {
    my ($port, $helo, $mail, $rcpt) = @_;
    my $smtp = Tamis::Smtp->new($port);
    my @said = map { $smtp->command($_) // '(closed)' } ($helo ? 'HELO h.example' : ()), "MAIL FROM:$mail", "RCPT TO:$rcpt";
    $smtp->quit;
    return join ' | ', @said;
}

# A milter is asked of what Postfix takes by its own looser rules.
my ($compared, $strict) = (0, 0);
for my $form (@forms) {
    for my $row (['sender', 1, $form, '<r@y.example>'], ['recipient', 1, '<s@a.example>', $form], ['no HELO', 0, $form, '<r@y.example>']) {
        my ($name, @row) = @$row;
        my ($plain, $want) = map { said($postfix->port($_), @row) } 'smtp', 'form';
        next if $plain =~ /\| [45].*\z/;
        is(said($postfix->port('ours'), @row), $want, "$name: $form");
        $compared++;
        $strict++ if $want =~ / 501 5\.1\.[37] /;
    }
}
cmp_ok($strict, '>', 20, "$compared forms, $strict of them refused");
is($filter->stop, 0, 'tamis ends well');
done_testing;
