#!/usr/bin/perl
# 2-table-big - tables of 100,000 entries: each key has the answer that the first rule, tried one by one, gives
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Socket qw(AF_INET AF_INET6 inet_ntop);
use Tamis::Session;
use Test::More;

# LONG=N: N times as many keys; SEED: others than those of every day.
my $times = $ENV{LONG} || 1;
alarm 300 * $times;
srand($ENV{SEED} // 20240303);
my $count = 100_000;
sub one_of { return $_[int rand @_] }
sub chance { return rand() < $_[0] }

# What `tamis query` says of all keys, beside what it should.
sub agrees {
    my ($type, $text, $keys, $answer) = @_;
    my $table = "$type:" . write_file("big.$type", $text);
    my ($out, $err, $status) = run_tamis(join('', map { "$_\n" } @$keys), 'query', '-c', write_file('big.conf', "postfix_config_directory =\n"), $table, '-');
    my @want = map { defined $_->[1] ? "$_->[0]\t$_->[1]" : () } map { [$_, $answer->($_)] } @$keys;
    my @got = split /\n/, $out;
    my ($at) = grep { ($got[$_] // '') ne ($want[$_] // '') } 0 .. ($#got > $#want ? $#got : $#want);
    ok(!defined $at, "$type: " . @$keys . ' keys, ' . @want . ' found') or diag "answer $at: " . ($got[$at] // 'none') . ', not ' . ($want[$at] // 'none') . "\n$err";
    my %rules = map { $_->[1] => 1 } map { [split /\t/] } @want;
    cmp_ok(scalar keys %rules, '>', @want / 8, "$type: by " . keys(%rules) . ' rules');
}

# --- hash: the first of equal keys, in any case

sub word { return join '', map { one_of('a' .. 'f', 'A' .. 'C', '.', '@', "\xc3\xa9", "\xc3\x89") } 1 .. 4 + int rand 3 }
sub folded { return lc($_[0]) =~ s/\xc3\x89/\xc3\xa9/gr }
my (%first, $text, @keys);
for my $i (1 .. $count) {
    my $key = word();
    $first{ folded($key) } //= "value $i";
    $text .= "$key value $i\n";
    push @keys, chance(0.5) ? $key : word() if $i % 5 == 0;
}
agrees('texthash', $text, \@keys, sub { $first{ folded($_[0]) } });

# --- rules in order: a list of [kind, condition, negated, value], where an if knows its endif

sub random_rules {
    my ($statement) = @_;
    my (@rules, @open);
    while (@rules < $count || @open) {
        if (@open && (@rules >= $count || chance(0.02))) {
            $rules[pop @open][4] = @rules;
            push @rules, ['endif'];
        } elsif (@open < 6 && chance(0.004)) {
            push @open, scalar @rules;
            push @rules, ['if', $statement->(1)];
        } else {
            # What holds for nearly all is behind ifs that keep most keys out.
            push @rules, ['rule', @open > 2 && chance(0.03) ? ($statement->(1))[0] : $statement->(0)];
            $rules[-1][2] = @open > 2 && chance(0.02) ? 1 : 0;
        }
    }
    return @rules;
}

# The first rule that holds, as its place among @$rules.
sub first_rule {
    my ($rules, $holds) = @_;
    for (my $i = 0; $i < @$rules; $i++) {
        my ($kind, $condition, $negated) = @{ $rules->[$i] };
        next if $kind eq 'endif';
        my $true = $holds->($condition, $negated);
        return $i if $true && $kind eq 'rule';
        $i = $rules->[$i][4] if !$true && $kind eq 'if';
    }
    return undef;
}

# --- cidr: condition [bits in the order of the net, family, text]

sub network {
    my ($wide) = @_;
    my $six = chance(0.3);
    my ($fixed, $all) = $six ? (32, 128) : (8, 32);
    my $bits = $six ? unpack 'B*', pack 'n2', 0x2001, 0xdb8 : unpack 'B*', chr 10;
    my $len = $wide ? $fixed + 1 + int rand 6 : $fixed + 10 + int rand($all - $fixed - 9);
    $bits .= one_of(0, 1) while length $bits < $len;
    my $address = inet_ntop($six ? AF_INET6 : AF_INET, pack 'B*', $bits . '0' x ($all - length $bits));
    return [$bits, $all, $address . ($len == $all && chance(0.5) ? '' : "/$len")];
}

my @nets;
sub cidr_statement {
    my ($is_if) = @_;
    my $near = !$is_if && @nets && chance(0.4) ? one_of(@nets) : undef; # the same net, or one inside it
    my $net = $near // network($is_if);
    push @nets, $net if !$near && !$is_if;
    return ($net, $is_if && chance(0.3) ? 1 : 0);
}

my @rules = random_rules(\&cidr_statement);
my $n = 0;
$text = join '', map { $n++; $_->[0] eq 'endif' ? "endif\n" : ($_->[0] eq 'if' ? 'if ' : '') . ($_->[2] ? '!' : '') . $_->[1][2] . ($_->[0] eq 'if' ? '' : " rule $n") . "\n" } @rules;
@keys = map {
    my ($bits, $all) = @{ one_of(@nets) };
    $bits .= one_of(0, 1) while length $bits < $all;
    substr($bits, int rand length $bits, 1) = one_of(0, 1) if chance(0.2);
    inet_ntop($all == 128 ? AF_INET6 : AF_INET, pack 'B*', $bits);
} 1 .. 40 * $times;
agrees('cidr', $text, \@keys, sub {
    my ($key) = @_;
    my $all = $key =~ /:/ ? 128 : 32;
    my $bits = unpack 'B*', Socket::inet_pton($all == 128 ? AF_INET6 : AF_INET, $key);
    my $i = first_rule(\@rules, sub { $_[0][1] == $all && ((substr($bits, 0, length $_[0][0]) eq $_[0][0]) != $_[1]) });
    return defined $i ? 'rule ' . ($i + 1) : undef;
});

# --- pcre: condition a pattern; `i` behind it turns the case on

sub text_of { my ($n) = @_; return join '', map { one_of('a' .. 'h', 'A', '.') } 1 .. $n }
sub pattern {
    my ($wide) = @_;
    my $p = $wide ? one_of('^a', 'b', 'c$', '\\.', '[a-d]{3}', '^[^b]*$') : one_of(
        '^' . quotemeta(text_of(5)), quotemeta(text_of(4)) . '$', quotemeta(text_of(5)), '(' . quotemeta(text_of(3)) . '|' . text_of(4) . ')[ab]',
        '^(' . text_of(3) . ')+' . text_of(1) . '$', text_of(2) . '([a-c]+)' . text_of(2) . '$', '^' . text_of(2) . '.*' . quotemeta(text_of(3)) . '$', '(?:' . text_of(5) . ')');
    my $case = chance(0.1);
    return [$case ? qr/$p/s : qr/$p/is, "/$p/" . ($case ? 'i' : '')];
}
my @patterns = random_rules(sub { my ($is_if) = @_; return (pattern($is_if), $is_if && chance(0.3) ? 1 : 0) });
$n = 0;
$text = join '', map { $n++; $_->[0] eq 'endif' ? "endif\n" : ($_->[0] eq 'if' ? 'if ' : '') . ($_->[2] ? '!' : '') . $_->[1][1] . ($_->[0] eq 'if' ? '' : " rule $n") . "\n" } @patterns;
@keys = map { text_of(4 + int rand 12) } 1 .. 20 * $times;
agrees('pcre', $text, \@keys, sub {
    my ($key) = @_;
    my $i = first_rule(\@patterns, sub { ($key =~ $_[0][0] ? 1 : 0) != $_[1] });
    return defined $i ? 'rule ' . ($i + 1) : undef;
});
done_testing;
