#!/usr/bin/perl
# 7-conf - tamis conf beside postconf: random files, values with $name, comparisons, spellings of -o
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Guard qw(run_command slurp spew temp_dir);
use Tamis::Programs qw(postfix_programs);
use Test::More;

my $programs = postfix_programs() or plan skip_all => 'no Postfix here';

# LONG=N: N times as many rounds; SEED=N: another series.
my $times = $ENV{LONG} || 1;
alarm 300 * $times;
srand($ENV{SEED} // 20240301);
my $dir = temp_dir();
my $main = "$dir/main.cf";
my %libraries = length $programs->{library_path} ? (LD_LIBRARY_PATH => $programs->{library_path}) : ();
spew("$dir/master.cf", '');

sub one_of { return $_[int rand @_] }
sub some { my ($max, $make) = @_; return map { $make->() } 1 .. int rand($max + 1) }
sub chance { return rand() < $_[0] }

# Parameters that both have, whose values neither looks into; and names that a site made up.
my @parameters = qw(relay_domains mydestination virtual_alias_domains virtual_mailbox_domains
    recipient_delimiter);
my @own = qw(own1 own2 own3 o_4);

# Both programs on one file: the same values, or both refuse it.
sub same {
    my ($text, @options) = @_;

    spew($main, $text);
    utime time - 60, time - 60, $main; # postconf waits for a file that looks as if it were being edited
    my @want = run_command(["$programs->{command_directory}/postconf", '-c', $dir, '-hx', @options,
            @parameters], env => \%libraries);
    my @got = run_command([$ENV{TAMIS} // './tamis', 'conf', '-c', $main, '-o',
            'postfix_config_directory =', '-hx', @options, @parameters]);
    return 1 if $want[0] == 0 ? $got[0] == 0 && $got[1] eq $want[1] : $got[0] == 78;
    diag "@options\n", map { printable($_) } $text, "postconf: $want[0]\n$want[1]$want[2]",
        "tamis: $got[0]\n$got[1]$got[2]";
    return 0;
}

sub printable { return $_[0] =~ s/([^\n -~])/sprintf '\\x%02x', ord $1/ger . "\n" }

sub compare {
    my ($what, $rounds, $make) = @_;
    my $bad = 0;

    for my $round (1 .. $rounds * $times) {
        $bad += !same($make->());
        last if $bad > 3;
    }
    is($bad, 0, "$rounds $what");
}

# --- values

our $depth = 0;

sub blank { return one_of('', '', '', ' ', '  ', "\t") }
sub name { return one_of(@own, @own, @parameters, 'undefined', 'queue_directory', 'own', 'OWN1') }
sub operator { return one_of('==', '!=', '<', '<=', '>', '>=', '==', '!=', '=', '===', '=<', '<level', '>= level', '!=level') }
sub operand { return one_of('1', '01', '10', '9', 'a', 'b', '', '3.6', '3.10', '12a', '-1', ' 1', '99999999', value()) }
sub braced { return '{' . blank() . one_of('', 'yes', value()) . blank() . '}' }
sub word { return one_of('a', 'b.example', ',', ':', '?', '/', ' ', '-', '.', '#', '=', '{', '}', '(', ')', '$$', '$', "\t", '12') }

sub choice {
    return '' if chance(0.2);
    return blank() . '?' . blank() . braced() . blank() . ':' . blank() . braced() . blank() if chance(0.4);
    return blank() . one_of('?', ':') . one_of(value(), braced(), braced() . blank(), '') if chance(0.8);
    return one_of('?', ':', ';', '-', 'x', ' x') . braced() . one_of(':', '?', '', 'x') . value();
}

sub reference {
    my ($open, $close) = @{ one_of(['{', '}'], ['{', '}'], ['(', ')']) };

    return '$' . name() if chance(0.4);
    return "\${" . blank() . '{' . operand() . '}' . blank() . operator() . blank() . '{' . operand() . '}'
        . blank() . choice() . '}' if chance(0.4);
    $close = '' if chance(0.02);
    return "\$$open" . blank() . name() . choice() . $close;
}

sub value {
    local $depth = $depth + 1;
    return one_of('x', 'y z') if $depth > 4;
    return join '', map { chance($depth > 1 ? 0.5 : 0.6) ? reference() : word_of_no_harm() } 1 .. 1 + int rand 3;
}

sub word_of_no_harm { return chance(0.1) ? word() : one_of('a', 'b.example', ',', ':', '/', ' ', '.', '12', '$$') }

# What a file with these values says; every name of the site's own is referred to, since one that is
# not is an error for tamis.
sub expansions {
    my %value = map { $_ => one_of('', 'x', 'a b', '7', 'two words', value()) } @own;
    my @set = grep { chance(0.7) } @parameters;

    return join('', map({ "$_ = $value{$_}\n" } grep { chance(0.8) } @own),
        map({ "$_ = " . value() . "\n" } @set), "proxy_interfaces = \${own1?}\${own2?}\${own3?}\${o_4?}\n");
}

compare('files with random expansions', 80, \&expansions);

# --- files

sub physical_line {
    return one_of("# comment = x\n", "\n", "   # indented\n", " \t\n", "#\n", "#\r\n") if chance(0.3);
    return one_of(' ', "\t", "  \t") . one_of('more', ', b', '= c', 'd = e', '$own1') . line_end() if chance(0.3);
    return one_of('no assignment', '= x', 'relay_domains', 'two words = x', ':') . "\n" if chance(0.02);
    return one_of(@parameters) . one_of('=', ' = ', "\t=  ", ' =', '= ') . one_of('', 'a', 'a b', 'a,   b', 'c = d',
        'a # b', "t\tb", '$own1', '${own1?x}', "\xc3\xa9", 'x' x 3000, '"a  b"', 'a\\', '$relay_domains ') . line_end();
}

sub line_end { return one_of("\n", "\n", "\n", "\r\n", " \n", "\t \r\n") }

sub file {
    my $text = join '', some(14, \&physical_line);
    chop $text if length $text && chance(0.2);
    $text =~ s/\n/\r\n/g if chance(0.05);
    return "own1 = one\nproxy_interfaces = \${own1?}\nmydestination = m\n$text" if chance(0.9);
    return $text =~ s/own1/undefined/gr;
}

compare('random files', 60, \&file);

# --- -o, in both spellings, and the limits

for my $text (' = a', '=a', '', ' =', ' = a = b', ' = $own1  b', ' = ${own1?{x}:{y}}', '   =   a   ') {
    my $set = "relay_domains$text";
    ok(same("own1 = 1\nrelay_domains = \$own1\n", $_ eq 'two' ? ('-o', $set) : "-o$set"), "-o '$set' in $_") for qw(one two);
}
ok(same("relay_domains = a\n", '-o', 'relay_domains=b', '-o', 'relay_domains = c'), 'the last -o wins');

sub chain { my ($n) = @_; return join '', map({ "n$_ = \$n" . ($_ + 1) . "\n" } 1 .. $n - 1), "n$n = end\n", "relay_domains = \$n1\n" }
sub nest { my ($n) = @_; return "own1 = x\nrelay_domains = " . '${own1?{' x $n . 'in' . '}}' x $n . "\n" }

for my $row (['98 names', chain(98)], ['99 names', chain(99)], ['100 names', chain(100)], ['101 names', chain(101)], ['500 names', chain(500)],
    ['50 texts', nest(50)], ['99 texts', nest(99)], ['100 texts', nest(100)], ['101 texts', nest(101)], ['300 texts', nest(300)],
    ['a loop', "relay_domains = \$own1\nown1 = a\$relay_domains\n"], ['itself', "relay_domains = a\$relay_domains\n"],
    ['a loop that is not walked', "own1 =\nrelay_domains = \${own1?\$relay_domains}b\n"],
    ['a value of 100,000 bytes', 'relay_domains = ' . 'a' x 100_000 . "\n"],
    ['100,000 words', 'relay_domains =' . ' b' x 100_000 . "\n"],
    ['a NUL', "relay_domains = a\0b\nmydestination = c\n"], ['a NUL in a name', "relay_dom\0ains = a\nmydestination = c\n"],
    ['a NUL in a comment', "# \0\nmydestination = c\n"], ['nothing', ''], ['one line end', "\n"],
    ['a blank line first', " \nrelay_domains = a\n"], ['a continuation first', " x = y\n  z\nrelay_domains = a\n"],
    ['a continuation behind a comment first', "# c\n x = y\nrelay_domains = a\n"]) {
    ok(same($row->[1]), $row->[0]);
}

done_testing;
