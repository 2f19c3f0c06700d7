#!/usr/bin/perl
# 7-postmap - tamis query beside postmap -q: random tables, keys and mails, byte for byte
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Guard qw(slurp spawn spew temp_dir);
use Tamis::Postfix;
use Tamis::Programs qw(postfix_programs);
use Tamis::RandomMail qw(chance one_of random_mail);
use Test::More;

plan skip_all => 'no Postfix here' if !postfix_programs();
plan skip_all => 'a private Postfix is set up by root only' if $> != 0;

# LONG=N: N times as many rounds.
my $times = $ENV{LONG} || 1;
alarm 600 * $times;
srand(20240229);
my $postfix = Tamis::Postfix->new;
my $conf = $postfix->file('tamis.conf', "postfix_config_directory = " . $postfix->config_directory . "\n");

sub some { my ($max, $make) = @_; return map { $make->() } 1 .. int rand($max + 1) }

# Both programs, side by side: status, standard output, standard error of each.
my $dir = temp_dir();
sub both {
    my ($table, $key, $stdin, @flags) = @_;
    my %command = (want => [$postfix->bin_directory . '/postmap', @flags, '-q', $key, $table],
        got => [$ENV{TAMIS} // './tamis', 'query', '-c', $conf, @flags, $table, $key]);
    my (%pid, %result);

    spew("$dir/in", $stdin // '');
    for my $who (keys %command) {
        spew("$dir/$who.$_", '') for qw(out err);
        $pid{$who} = spawn($command{$who}, stdin => "$dir/in", stdout => "$dir/$who.out", stderr => "$dir/$who.err");
    }
    for my $who (keys %command) {
        waitpid $pid{$who}, 0;
        $result{$who} = [$? & 127 ? 128 + ($? & 127) : $? >> 8, slurp("$dir/$who.out"), slurp("$dir/$who.err")];
        Tamis::Guard::tell_guard("gone $pid{$who}");
    }
    return @result{qw(want got)};
}

# Both programs on one question: same output, same status. What postmap calls a fatal error (1), or a
# value that is not UTF-8, is a lookup error, 75, for tamis.
sub same {
    my ($table, $key, $stdin, @flags) = @_;
    my ($want, $got) = both($table, $key, $stdin, @flags);
    my $error = $want->[2] =~ /^postmap: fatal: table .*query error|non-UTF-8 value/m;

    return 1 if $error ? $got->[0] == 75 : $got->[0] eq $want->[0] && $got->[1] eq $want->[1];
    diag "@flags $table $key\npostmap: @$want\ntamis: @$got";
    diag "table: " . printable(slurp($table =~ s/^\w+://r)), 'input: ', printable($stdin // '');
    return 0;
}

sub printable { return $_[0] =~ s/([^\n -~])/sprintf '\\x%02x', ord $1/ger . "\n" }

# Rounds of a random table, a list of random keys, and some of them alone.
sub compare {
    my ($type, $rounds, $rule, $keys) = @_;
    my $bad = 0;

    for my $round (1 .. $rounds * $times) {
        my $table = "$type:" . $postfix->file("random.$type", join '', some(12, $rule));
        my @keys = some(40, $keys);
        my $list = join "\n", @keys, '';
        chop $list if chance(0.2);
        $bad += !same($table, '-', $list);
        for my $key (some(2, sub { one_of(@keys ? @keys : 'none') })) {
            $bad += !same($table, $key) if $key ne '-' && $key !~ /\0/;
        }
        last if $bad > 3;
    }
    is($bad, 0, "$type: $rounds random tables");
}

# --- hash-like tables

my @words = ('a', 'b@x.example', 'A', 'B@X.example', 'x.example', '.example', '192.0.2', "\xc3\xa9",
    "\xc3\x89", "\xc3\x9f", "\xe9", '"q k"', '"q"', 'k:', 'b\\ c', "\xce\xa3", "\xcf\x82", '"open',
    'x\\', '<>', '@x', '*', "\xe2\x84\xaa", 'k');
my @values = ('OK', 'REJECT', 'REJECT  two  words', "tab\there", "\xc3\xa9t\xc3\xa9", '550', '$1', "x\r",
    "\xe9", '# no comment', 'a ');

sub hash_rule {
    return one_of("# comment\n", "\n", "  # indented\n", " \t\n") if chance(0.15);
    return one_of(' ', "\t") . one_of('more', 'REJECT x', "\xe9") . "\n" if chance(0.12);
    return one_of(@words) . one_of("\n", " \n") if chance(0.06);
    return one_of(@words) . one_of(' ', "\t", "  \t ") . one_of(@values) . one_of("\n", "\n", "\n", "\r\n");
}

compare('texthash', 60, \&hash_rule, sub { one_of(@words, 'q k', 'b\\', '', ' a', 'a ', "a\0b") });

# --- cidr; IPv4 addresses written as IPv6 (::ffff:10.0.0.1) are left out: in tamis they are the IPv4
# address, as Postfix makes of every client's, while postmap takes a key as it comes

sub network {
    my $text = one_of('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '192.0.2.0/24', '192.0.2.0/25',
        '192.0.2.1/24', '0.0.0.0/0', '10.0.0.0/33', '2001:db8::/32', '2001:db8::1', '::/0',
        '2001:DB8::/33', '010.0.0.1', '10.0.0', 'host', '10.1.2.3/',
        '10.0.0.0/+8', '10.0.0.0/08', '10.0.0.0/8/8', '10.0.0.0/8x', '/8', '::ffff:0:0/96', '::ffff:10.0.0.0/104',
        'fe80::1%eth0', '::1.2.3.4', '1:2:3:4:5:6:7:8', '1::2::3', 'IPv6:::1', '2001:db8::/129', '0/0', '[::1');
    $text =~ s{^([^/]*)}{[$1]} if chance(0.15);
    return (chance(0.2) ? one_of('!', '! ', '!!', '!! !') : '') . $text;
}

sub cidr_rule {
    return one_of('if ', 'IF ', 'if') . network() . one_of('', '', ' extra') . "\n" if chance(0.15);
    return one_of('endif', 'ENDIF', 'endif x') . "\n" if chance(0.15);
    return one_of("# c\n", " continued\n", "\n") if chance(0.1);
    return network() . one_of(' ', "\t") . one_of(@values, '') . "\n";
}

my @addresses = ('10.1.2.3', '10.1.2.4', '10.9.9.9', '192.0.2.1', '192.0.2.200', '203.0.113.1',
    '2001:db8::1', '2001:DB8::1', '2001:db8:8000::1', '2001:db8:0:0::1', '::1', 'host',
    '', '10.1.2.3 ', '10.1.2', '[10.1.2.3]', '010.1.2.3', '10.1.2.3/32',
    'IPv6:2001:db8::1', '::1.2.3.4', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:0.7.0.8', 'fe80::1', '::');
compare('cidr', 60, \&cidr_rule, sub { one_of(@addresses) });

# --- patterns

sub pattern {
    my $p = join '', map { one_of('a', 'b', 'ab', '.', '.*', 'a+', '(a|b)', '(a)', '([^a]*)', '^', '$',
        '[ab]', 'A', '(b?)', '\\/', '\\.', '(', "\xe9", '(a(b)?)', ' ', '#', '\\$', 'a*', '[[:space:]]') }
        1 .. 1 + int rand 4;
    return one_of("/$p/", "/$p/", "/$p/", "/$p/", "|$p|", "'$p'", "{$p\{", "/$p");
}

my @results = ('OK', 'x $1', '${1}y', '$(2)', '$$', '$1$2', '$1a', '$', '', 'REJECT $3', '$0', "\xe9", "\xc3\xa9",
    '${1?x}', 'a  b', '${name}', '$$1', '$(1', '\\1', '$ 1', '${12', '$1.');

sub pattern_rule {
    my ($flags, $second) = @_;
    my $not = chance(0.15) ? one_of('!', '! ', '!!') : '';
    my $flag = chance(0.3) ? one_of(@$flags) : '';

    return one_of('if ', 'IF', 'if  ') . $not . pattern() . $flag . one_of('', '', ' extra') . "\n"
        if chance(0.15);
    return one_of('endif', 'EndIf', 'endif x') . "\n" if chance(0.15);
    return one_of("# c\n", " continued\n", "\n", "word OK\n", "\tx\n") if chance(0.1);
    my $and_not = $second && chance(0.15) ? '!' . pattern() : '';
    return $not . pattern() . $flag . $and_not . one_of(' ', ' ', "\t", '') . one_of(@results) . "\n";
}

sub text { return join '', some(8, sub { one_of('a', 'b', 'A', 'B', '.', '/', "\xe9", "\xc3\xa9", ' ', '$', '#', "\0") }) }

my @regexp_flags = ('i', 'm', 'x', 'ii', 'mx', 'q', 'ix');
my @pcre_flags = ('i', 'm', 's', 'x', 'A', 'E', 'U', 'X', 'ms', 'ii', 'u', 'is');
compare('regexp', 80, sub { pattern_rule(\@regexp_flags, 1) }, \&text);

# --- mails

my @types = ('multipart/mixed; boundary=x', 'multipart/mixed; boundary="x y"', 'Multipart/Digest; boundary=xx',
    "multipart/alternative;\n\tboundary=\"y\"", 'message/rfc822', 'message/partial', 'text/plain', 'image/png',
    'multipart/mixed', '', ';', 'multipart/mixed; boundary=y; boundary=x', '(c) multipart/(d)mixed;boundary(e)=x',
    'message/global', 'multipart/mixed; boundary=""', "multipart/mixed; boundary=\"x \n y\"", 'message',
    'multipart/mixed; boundary="a\\x"', 'multipart/mixed; boundary=x (', 'text');

sub mail_line {
    return one_of('Content-Type: ', 'content-type:', 'Content-Type : ') . one_of(@types) if chance(0.25);
    return '--' . one_of('x', 'x y', 'xx', 'y', 'x--', 'y--', 'xx--', '', '-', 'ax', 'z', 'x--z') if chance(0.25);
    return '' if chance(0.2);
    return one_of('Subject: a b', "Subject:\ta", 'MIME-Version: 1.0', 'Content-ID: <b>', 'A :b', 'a', 'text a',
        ' folded a', "\tfolded", ': b', "\xe9: a", "X-\xe9: a", "X: \xe9", 'From a@b', '>From a', "X: a\0b", "\0",
        'X:', ' ', "a:b\r", "\r", 'Received: from a (b [10.0.0.1])', '--', 'x' x 300);
}

sub mail {
    my @lines = some(30, \&mail_line);
    unshift @lines, 'Content-Type: ' . one_of(@types) if chance(0.7);
    my $text = chance(0.4) ? random_mail() : join "\n", @lines, '';
    $text = 'X-Long: ' . (chance(0.5) ? 'l' x (102390 + int rand 20) : ('l' x 1020 . "\n ") x (99 + int rand 4) . 'end') . "\n$text" if chance(0.03);
    substr($text, int rand length $text, 1) = one_of("\0", "\r", "\xff", ':', ' ', "\n") if length $text && chance(0.15);
    $text =~ s/(?<!\r)\n/\r\n/g if chance(0.05);
    chop $text if length $text && chance(0.2);
    $text .= "\n" if $text =~ /\xff\z/;   # which postmap takes for the end
    return $text;
}

my $show = <<'END';
/^(Content-[^:]*):(.*)$/ mime $1 = $2
/^$/ nothing
/^([^:]+):/ field $1
/./ other
END

sub compare_mails {
    my ($type, $rounds, $flags) = @_;
    my $bad = 0;

    for my $round (1 .. $rounds * $times) {
        my $rules = chance(0.7) ? $show : join '', some(12, sub { pattern_rule($flags, $type eq 'regexp') });
        my $table = "$type:" . $postfix->file("mail.$type", $rules);
        my @mode = one_of(['-h'], ['-hm'], ['-hm'], ['-h', '-m'], ['-b'], ['-bm'], ['-hb'], ['-hbm'], ['-m']);
        $bad += !same($table, '-', mail(), @{ $mode[0] });
        last if $bad > 3;
    }
    is($bad, 0, "$type: $rounds random mails");
}

compare_mails('regexp', 400, \@regexp_flags);

# --- what random mails do not reach

sub deep {
    my ($depth) = @_;
    my $text = '';
    $text .= sprintf "Content-Type: multipart/mixed; boundary=b%04d\n\n--b%04d\n", $_, $_ for 1 .. $depth;
    return "${text}X-Last: a\n\ntext\n";
}

my $show_table = 'regexp:' . $postfix->file('show.regexp', $show);
my $long = "X-Long: a\n" . ' ' . 'b' x 70000 . "\n" . ' ' . 'c' x 70000 . "\n d\nSubject: x\n\n";
for my $row (['100 deep', deep(100)], ['103 deep', deep(103)], ['300 deep', deep(300)], ['long header', $long],
    ['long boundary', 'Content-Type: multipart/mixed; boundary=' . 'b' x 3000 . "\n\n--" . 'b' x 2048
        . "\nX: a\n\n--" . 'b' x 2047 . "\nX: b\n\n"], ['empty', ''], ['one line end', "\n"]) {
    ok(same($show_table, '-', $row->[1], $_), "$row->[0], $_") for '-hm', '-hbm';
}

SKIP: {
    skip 'no pcre plugin', 2 if !$postfix->has_pcre;
    compare('pcre', 80, sub { pattern_rule(\@pcre_flags, 1) }, \&text);
    compare_mails('pcre', 1600, \@pcre_flags);
}

for my $row (['static:a b', 'x'], ['static:a b', ''], ['inline:{a=b}', 'A'], ['inline:{a=b}', 'c']) {
    ok(same(@$row), "@$row");
}

done_testing;
