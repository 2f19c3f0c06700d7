#!/usr/bin/perl
# 3-spf-suite - RFC 7208's own test-suite: every result, every explanation
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use IPC::Open2;
use Test::More;

alarm 120;
my $srcdir = $ENV{srcdir} // '.';
my $builddir = $ENV{builddir} // '.';
my $suite = $ENV{SPF_SUITE} // "$srcdir/../shared/conformance/spf/rfc7208-tests.yml";
plan skip_all => 'SPF_SUITE names no rfc7208-tests.yml' unless -r $suite;

# --- YAML, as far as the suite goes: block maps and lists, flow lists, quoted and plain texts -----

my @lines;

sub indent_of { my ($line) = @_; return length(($line =~ /^( *)/)[0]) }

sub unquote {
    my ($text) = @_;
    if ($text =~ s/^"(.*)"$/$1/s) {
        my %plain = (n => "\n", t => "\t", r => "\r", 0 => "\0");
        $text =~ s{\\(?:x([0-9A-Fa-f]{2})|(.))}{defined $1 ? chr hex $1 : $plain{$2} // $2}ges;
    }
    elsif ($text =~ s/^'(.*)'$/$1/s) { $text =~ s/''/'/g }
    return $text;
}

sub flow_list {
    my ($text) = @_;
    my @items;
    $text =~ s/^\[\s*|\s*\]$//g;
    while ($text =~ /\G\s*("(?:\\.|[^"\\])*"|'(?:''|[^'])*'|[^,]+?)\s*(?:,|$)/g) {
        push @items, unquote($1);
    }
    return \@items;
}

# A block text, or a plain one that goes on in the lines below.
sub scalar_text {
    my ($text, $indent) = @_;
    my @more;
    while (@lines && ($lines[0] !~ /\S/ || indent_of($lines[0]) > $indent)) {
        (my $line = shift @lines) =~ s/^\s+|\s+$//g;
        push @more, $line if $line ne '';
    }
    return join ' ', @more if $text =~ /^[|>]/;
    $text = join ' ', $text, @more;
    return $text =~ /^\[/ ? flow_list($text) : unquote($text);
}

sub skip_blank { shift @lines while @lines && $lines[0] =~ /^\s*(?:#.*)?$/ }

sub value_of {
    my ($text, $indent) = @_;
    return scalar_text($text, $indent) if $text ne '';
    skip_blank();
    return '' unless @lines;
    my $next = indent_of($lines[0]);
    return block_list($next) if $lines[0] =~ /^ *- / && $next >= $indent;
    return $next > $indent ? block_map($next) : '';
}

sub key_of {
    my ($line) = @_;
    return $line =~ /^ *("(?:\\.|[^"\\])*"|'[^']*'|[^\s:][^:]*(?::[^\s:][^:]*)*):(?: +(.*?))?\s*$/
        ? (unquote($1), $2 // '') : ();
}

sub block_map {
    my ($indent) = @_;
    my (%map, @order);
    for (skip_blank(); @lines && indent_of($lines[0]) == $indent; skip_blank()) {
        my ($key, $text) = key_of(shift @lines) or die 'no key';
        push @order, $key;
        $map{$key} = value_of($text, $indent);
    }
    $map{' order'} = \@order;
    return \%map;
}

sub block_list {
    my ($indent) = @_;
    my @list;
    for (skip_blank(); @lines && $lines[0] =~ /^ {$indent}- +(.*?)\s*$/; skip_blank()) {
        my $item = $1;
        shift @lines;
        if ($item !~ /^["'\[]/ && (my ($key, $text) = key_of($item))) {
            push @list, { $key => value_of($text, $indent) };
        }
        else { push @list, scalar_text($item, $indent) }
    }
    return \@list;
}

# --- the zone -----------------------------------------------------------------------------------

sub field { my ($text) = @_; $text =~ s/([^!-\$&-~ ])/sprintf '%%%02X', ord $1/ge; return $text }

sub records {
    my ($name, $entries) = @_;
    my $own_txt = grep { ref && exists $_->{TXT} } @$entries;
    my @out;
    for my $entry (@$entries) {
        if (!ref $entry) { push @out, [$name, $entry, '']; next }
        my ($type) = keys %$entry;
        my $value = $entry->{$type};
        next if $type eq 'SPF' && $own_txt || $type eq 'TXT' && $value eq 'NONE';
        $value = $type eq 'MX' ? $value->[1] : join '', @$value if ref $value;
        push @out, [$name, $type eq 'SPF' ? 'TXT' : $type, $value];
    }
    return @out;
}

my $asker = "$builddir/t/lib/spf_ask";

sub ask {
    my ($zone, @tests) = @_;
    my $pid = open2(my $from, my $to, $asker);
    print {$to} join("\t", 'rr', map { field($_) } @$_), "\n" for @$zone;
    print {$to} join("\t", 'ask', 'mailfrom', map { field($_) } @$_{qw(mailfrom helo host)}), "\n"
        for @tests;
    close $to;
    my @answers = map { chomp; [split /\t/, $_, -1] } <$from>;
    waitpid $pid, 0;
    return @answers;
}

open my $in, '<:raw', $suite or die "$suite: $!";
my @documents = map { [split /\n/, $_] } split /^---\s*$/m, do { local $/; <$in> };
my ($results, $explanations, $total) = (0, 0, 0);
for my $document (@documents) {
    @lines = @$document;
    skip_blank();
    next unless @lines;
    my $scenario = block_map(0);
    my @zone = map { records($_, $scenario->{zonedata}{$_}) } @{ $scenario->{zonedata}{' order'} };
    my @names = @{ $scenario->{tests}{' order'} };
    my @tests = map { $scenario->{tests}{$_} } @names;
    my @got = ask(\@zone, @tests);
    for my $i (0 .. $#names) {
        my ($result, $explanation, $why) = @{ $got[$i] // ['no answer', '', ''] };
        my $want = $tests[$i]{result};
        my @allowed = ref $want ? @$want : $want;
        my $text = $tests[$i]{explanation} // $explanation;
        $text = '' if $text eq 'DEFAULT';
        my ($right) = scalar grep { $_ eq $result } @allowed;
        $total++;
        $results++ if $right;
        $explanations++ if $right && $text eq $explanation;
        ok($right, "$scenario->{description}: $names[$i]: @allowed") or diag "got $result: $why";
        is($explanation, $text, "$names[$i]: its explanation");
    }
}
is($total, 203, 'the whole suite was read');
diag "SPF suite: $results of $total results, $explanations of $total with explanation";
done_testing;
