# Tamis::Session - scripts for `tamis test --session`, as tables of command and answer
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Session;
use strict;
use warnings;
use Exporter 'import';
use File::Temp ();
use IPC::Open3 ();
use Symbol ();
use Test::More;

our @EXPORT = qw(workdir write_file run_tamis session plays);

my $dir;

# A private directory of this test, removed at its end.
sub workdir { return $dir //= File::Temp->newdir('tamis-t.XXXXXX', TMPDIR => 1) }

# Writes DIR/NAME; returns its path.
sub write_file {
    my ($name, $text) = @_;
    my $path = workdir() . "/$name";
    open my $fh, '>:raw', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
    return $path;
}

# Runs tamis with the arguments and standard input; returns (standard output, standard error, exit status).
sub run_tamis {
    my ($input, @args) = @_;
    my $in = write_file('stdin', $input);
    my ($out, $err) = (workdir() . '/stdout', workdir() . '/stderr');
    my $pid = fork() // die "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', $in or die;
        open STDOUT, '>', $out or die;
        open STDERR, '>', $err or die;
        exec $ENV{TAMIS} // './tamis', @args or die "exec: $!";
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? 'signal ' . ($? & 127) : $? >> 8;
    return (map({ slurp($_) } $out, $err), $status);
}

sub slurp {
    my ($path) = @_;
    open my $fh, '<:raw', $path or return '';
    local $/;
    return scalar <$fh> // '';
}

# The answers to a script, one a line, under a configuration's text.
sub session {
    my ($conf, @script) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\nauthentication_results =\n$conf");
    my ($out, $err, $status) =
        run_tamis(join('', map { "$_\n" } @script), 'test', '-c', $path, '--session', '-');
    diag $err if $status ne '0';
    return split /\n/, $out, -1;
}

# Plays pairs of command and expected answer ('' : any) in one script; one test a pair.
sub plays {
    my ($name, $conf, @pairs) = @_;
    my (@commands, @want);
    while (my ($command, $want) = splice @pairs, 0, 2) {
        push @commands, $command;
        push @want, $want;
    }
    my @got = session($conf, @commands);
    pop @got if @got && $got[-1] eq '';
    is(scalar @got, scalar @commands, "$name: one line a command");
    for my $i (0 .. $#commands) {
        next if $want[$i] eq '';
        is($got[$i], $want[$i], "$name: $commands[$i]");
    }
}

1;
