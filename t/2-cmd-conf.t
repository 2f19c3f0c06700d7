#!/usr/bin/perl
# 2-cmd-conf - tamis conf: what it prints, what can be pasted, exit statuses
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Programs qw(postfix_programs);
use Test::More;

my $child;
$SIG{ALRM} = sub { kill 'KILL', $child if $child; die "too slow\n" };
alarm 120;
my $dir = tempdir(CLEANUP => 1);
my @none = ('-o', 'postfix_config_directory =');

sub write_file {
    my ($name, $text) = @_;
    open my $f, '>', "$dir/$name" or die "$dir/$name: $!";
    print $f $text;
    close $f or die;
    return "$dir/$name";
}

# (exit status, standard output, standard error)
sub tamis {
    $child = fork // die;
    if ($child == 0) {
        open STDOUT, '>', "$dir/out" or die;
        open STDERR, '>', "$dir/err" or die;
        exec $ENV{TAMIS}, @_ or die;
    }
    waitpid $child, 0;
    my @result = ($? & 127 ? "signal " . ($? & 127) : $? >> 8);
    for my $name ('out', 'err') {
        open my $f, '<', "$dir/$name" or die;
        local $/;
        push @result, scalar <$f> // '';
    }
    return @result;
}

my $conf = write_file('milter.conf', <<'END');
mode = observe
nets = 10.0.0.0/8
mynetworks = $nets,
  192.0.2.0/24
smtpd_helo_required = yes
outgoing_sender_restrictions = permit
END

my ($status, $out, $err) = tamis('conf', '-c', $conf, @none, '-n');
is $status, 0, 'exit 0';
is $err, '', 'nothing to say';
is $out, <<"END", '-n: what is set, with its origin in comments';
# $conf:1
mode = observe
# $conf:6
outgoing_sender_restrictions = permit
# $conf:5
smtpd_helo_required = yes
# -o
postfix_config_directory =
# $conf:3
mynetworks = \$nets, 192.0.2.0/24
# $conf:2
nets = 10.0.0.0/8
END

write_file('pasted.conf', $out);
(undef, my $again) = tamis('conf', '-c', "$dir/pasted.conf", '-n');
s/^#.*\n//mg for $out, $again;
is $again, $out, 'what -n prints is a configuration that says the same';

($status, $out) = tamis('conf', '-c', $conf, @none, '-xh', 'mynetworks', 'helo_required', 'mode');
is $out, "10.0.0.0/8, 192.0.2.0/24\nyes\nobserve\n", '-xh NAME…';
($status, $out) = tamis('conf', '-c', $conf, @none, '-d', 'mode', 'log_queue_size');
is $out, "mode = enforce\nlog_queue_size = 32M\n", '-d: presets';
($status, $out) = tamis('conf', '-c', $conf, @none, '-j', 'mode');
is $out, <<"END", '-j';
[
  {"name":"mode","written":"mode","raw":"observe","value":"observe","given":true,"file":"$conf","line":1,"help":"observe: log only; annotate: add headers, too; enforce: all"}
]
END
($status, $out) = tamis('conf', '-c', $conf, @none, '-o', 'mode=annotate', '-h', 'mode');
is $out, "annotate\n", '-o wins';
($status, $out, $err) = tamis('conf', '-c', $conf, @none, '-o', 'mynetworks=192.0.2.0/24', '-h', 'mynetworks');
is "$status $out$err", "0 192.0.2.0/24\n", '-o in place of a value with a $name: that name is none that nobody knows';
($status, $out) = tamis('conf', '-c', $conf, @none, 'outgoing_sender_restrictions',
    'incoming_sender_restrictions');
is $out, "# $conf:6\noutgoing_sender_restrictions = permit\nsender_restrictions =\n", 'directions';
($status, $out) = tamis('conf', '-c', $conf, @none);
cmp_ok scalar(() = $out =~ /^\w+ =/mg), '>', 60, 'all settings';

($status, $out, $err) = tamis('conf', '-c', $conf, @none, 'nonesuch');
is $status, 64, 'an unknown name: exit 64';
is $err, "tamis conf: nonesuch: unknown name\n", 'and it says so';
($status, $out, $err) = tamis('conf', '-c', write_file('bad.conf', "mdoe = x\nstrict = 5\n"), @none);
is $status, 78, 'a bad configuration: exit 78';
is $err, "$dir/bad.conf:1: error: mdoe: unknown name; did you mean mode?\n"
    . "$dir/bad.conf:2: error: strict = 5: write yes or no\n", 'all problems, in the order of lines';
($status, $out, $err) = tamis('conf', '-c', "$dir/none.conf", @none, 'mode');
is $status, 78, 'a file that is not there, but was named: exit 78';
like $err, qr{none\.conf}, 'named';

for my $args (['conf', '-Z'], ['conf', '--nonesuch'], ['conf', '-c'], ['nonesuch'], []) {
    ($status, $out, $err) = tamis(@$args);
    is $status, 64, "usage error: tamis @$args";
    isnt $err, '', 'with a message';
}
($status, $out) = tamis('conf', '--help');
is $status, 0, '--help';
cmp_ok scalar(split /\n/, $out), '<=', 24, 'in 24 lines at most';
is 0 + grep({ length > 100 && !/-c FILE/ } split /\n/, $out), 0, 'of a sane width, but for the path of the configuration';
($status, $out) = tamis('--help');
is $status, 0, 'tamis --help';
($status, $out) = tamis('conf', '--version');
like $out, qr/^tamis \d/, '--version';

# Blanks and continued lines: what postconf -n makes of this text, recorded, and asked where there is one.
mkdir "$dir/etc" or die;
my $blanks = "mynetworks = 10.0.0.0/8,\n   192.0.2.0/24\n\t\t192.0.3.0/24,\n# note\n  192.0.4.0/24\n"
    . "relay_domains =   a   b  \nmydestination = x\n  y \${relay_domains?{  q  z}}  \nvirtual_alias_domains =\n  \n";
my $lines = <<'END';
mydestination = x y ${relay_domains?{ q z}}
mynetworks = 10.0.0.0/8, 192.0.2.0/24 192.0.3.0/24, 192.0.4.0/24
relay_domains = a b
virtual_alias_domains =
END
my $main = write_file('etc/main.cf', $blanks);
write_file('etc/master.cf', '');
($status, $out) = tamis('conf', '-c', $main, '-n');
is join('', sort grep { !/^#/ } split /^/, $out), $lines, '-n: blanks as in postconf -n';
SKIP: {
    my $programs = postfix_programs() or skip 'no Postfix here', 1;
    local $ENV{LD_LIBRARY_PATH} = $programs->{library_path} if length $programs->{library_path};
    open my $said, '-|', "$programs->{command_directory}/postconf", '-c', "$dir/etc", '-n' or die;
    is join('', grep { !/^config_directory/ } <$said>), $lines, 'and postconf says so, too';
}

my $many = join '', map { "name$_ = value\n" } 1 .. 100_000;
($status) = tamis('conf', '-c', write_file('many.conf', $many), @none, 'mode');
is $status, 78, '100,000 unknown names';
$many = join '', map { "name$_ = \$name" . ($_ + 1) . "\n" } 1 .. 100_000;
($status) = tamis('conf', '-c', write_file('many.conf', $many), @none, 'mode');
is $status, 78, '100,000 names that refer to each other (but the first is unknown)';

done_testing;
