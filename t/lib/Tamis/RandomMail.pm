# Tamis::RandomMail - mails that differ where readers of mails do: folds, odd bytes, parts in parts, boundaries
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::RandomMail;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(chance one_of random_mail some @NAMES @TOP_NAMES);

# Fields that stand anywhere; fields of MIME that stand in a mail's own header only.
our @NAMES = qw(X-One X-Two X-Three x-one X-TWO Subject List-Id X-Mailer Comments X-One-More);
our @TOP_NAMES = qw(MIME-Version Content-ID Content-Description);

sub one_of { return $_[int rand @_] }
# From `least` to `most` of what `make` makes.
sub some { my ($least, $most, $make) = @_; return map { $make->() } 1 .. $least + int rand($most - $least + 1) }
# True that often, of 1.
sub chance { return rand() < $_[0] }

sub value { return join '', some(0, 6, sub { one_of('a', 'b', 'c', ' ', 'x', "\n ", "\n\t", 'q', "\xe9", "\xc3\xa9", '$1', '%s', ':') }) }

sub field {
    my ($name) = @_;
    return $name . one_of(':', ': ', ': ', ': ', ":\t", ' :', ":  ") . value() =~ s/\n[ \t](?=\n|\z)/\n z/gr . "\n";
}

sub line {
    return one_of('', 'a line', 'bbb', '--', '--x', 'qxq', "\x80\xff", 'late', '  indented', 'x' x 80, 'xyz', 'Subject: a', '.', '..')
        . "\n";
}

# Headers and body of a part, with more parts in it.
sub part {
    my ($depth) = @_;
    my $fields = join '', some(0, 3, sub { field(one_of(qw(Content-Disposition X-One Subject Content-Transfer-Encoding))) });
    my $kind = $depth > 3 ? 0 : rand;
    return "${fields}Content-Type: " . one_of('text/plain', 'TEXT/html; charset=x', 'image/png', 'application/x', "text/plain;\n\tname=a b",
        '', 'multipart', 'multipart/mixed', 'multipart/mixed; boundary=', 'message/partial') . "\n\n" . join('', some(0, 5, \&line)) if $kind < 0.4;
    return "${fields}Content-Type: " . one_of('message/rfc822', 'Message/RFC822', '(c)message/rfc822', 'message/global') . "\n\n"
        . join('', some(0, 3, sub { field(one_of(@NAMES)) })) . part($depth + 1) if $kind < 0.6;
    return multipart($fields, $depth);
}

sub multipart {
    my ($fields, $depth) = @_;
    my ($boundary, $written) = @{ one_of(['x', 'x'], ['x y', '"x y"'], ["b$depth", "b$depth"], ['a"b', '"a\\"b"'], ["b$depth", "\"b$depth\" (c)"],
        ["b$depth", "(c) \"b$depth\""], ['x', 'x; boundary=y'], ['x', "\n\t\"x\""], ['ab', "\"a\n b\""], ['', '""'], ["\xe9", "\"\xe9\""]) };
    my $type = one_of('mixed', 'alternative', 'digest', 'Mixed', 'DIGEST');
    my @parts = some(0, 4, sub { part($depth + 1) });
    my $text = "${fields}Content-Type: multipart/$type;" . one_of(' ', "\n\t", '', ' charset=x; ') . one_of('boundary', 'BOUNDARY') . "=$written\n\n";
    $text .= join '', some(0, 2, \&line);
    $text .= '--' . ($boundary . one_of('', '', '', ' ', 'z')) . "\n$_" for @parts;
    $text .= one_of("--$boundary--\n", "--$boundary--\n", '', "--$boundary\n", "--$boundary-\n");
    return $text . join '', some(0, 2, \&line);
}

sub random_mail {
    my $fields = join '', some(2, 20, sub { field(chance(0.85) ? one_of(@NAMES) : one_of(@TOP_NAMES)) });
    $fields .= 'X-One: ' . 'y' x (47000 + int rand 8000) . "\n" if chance(0.04);
    $fields .= 'X-Two: ' . ('z' x 900 . "\n ") x 60 . "end\n" if chance(0.04);
    $fields .= one_of("no header\n", ": a\n", "X Y: z\n") . one_of('', "X-One: a\n") if chance(0.06);
    return $fields . "\n" . join '', some(0, 8, \&line) if chance(0.25);
    return $fields if chance(0.03);
    return chance(0.7) ? multipart($fields, 0) : $fields . part(0);
}

1;
